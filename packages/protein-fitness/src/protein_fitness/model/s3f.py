"""S2F and S3F as a transformers model: saved with its config, and loaded by it."""

from jaxtyping import Float
from torch import Tensor, nn
from torch_geometric.data import HeteroData
from transformers import PreTrainedModel

from protein_fitness.model.config import S3FConfig
from protein_fitness.model.network import FitnessNetwork


class S3FModel(PreTrainedModel):
    """Logits of the type of each residue, from a graph of a structure with a language model's features.

    Graphs come from :func:`protein_fitness.model.graph.build_graph`; PyG's ``Batch`` joins several. ``save_pretrained``
    writes config.json and model.safetensors, ``from_pretrained`` reads them.

    Args:
        config: Sizes and choices; ``surface=False`` makes it S2F.

    Source: S3F (Zhang et al. 2024).
    """

    config_class = S3FConfig
    main_input_name = "graph"

    def __init__(self, config: S3FConfig):
        super().__init__(config)
        self.network = FitnessNetwork(config)
        self.post_init()

    def _init_weights(self, module: nn.Module) -> None:
        """Torch's own start suits all of them."""

    def forward(self, graph: HeteroData) -> Float[Tensor, "residues amino_acids"]:
        """Logits in the order of ``AMINO_ACIDS``, a row for each residue of the graph.

        Raises:
            ValueError: If the graph lacks features of a language model or a surface, or has them in another width.
        """
        return self.network(graph)

    def features(self, graph: HeteroData) -> Float[Tensor, "residues scalars"]:
        """What the head reads of each residue.

        Raises:
            ValueError: As :meth:`forward`.
        """
        return self.network.features(graph)
