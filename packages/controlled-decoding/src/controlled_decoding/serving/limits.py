"""What the server accepts, so that no request can take it down."""

from dataclasses import dataclass, fields


@dataclass(frozen=True, kw_only=True)
class ServerLimits:
    """Upper bounds; a request beyond one gets an HTTP error that names it.

    An answer is one row of the batch: a request with ``n=3`` and two prompts asks for six.
    """

    max_rows: int = 16
    """Answers generated at once; each holds a cache of its context."""
    max_queue: int = 64
    """Answers that wait at most; a request that would not fit gets status 429."""
    max_new_tokens: int = 1024
    """Tokens of an answer."""
    max_context: int | None = None
    """Tokens of prompt and answer together; the model's own limit if absent."""
    max_prefill_tokens: int = 8192
    """Padded prompt tokens read in one forward pass, unless a single prompt is longer."""
    max_body_bytes: int = 1 << 20
    """Size of a request; larger ones get status 413."""
    grace_s: float = 10.0
    """Seconds that running answers get to finish in after a shutdown signal."""

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            smallest = 0 if field.name == "grace_s" else 1
            if value is not None and not smallest <= value < float("inf"):
                raise ValueError(f"`{field.name}` must be finite and at least {smallest}, got {value}.")
