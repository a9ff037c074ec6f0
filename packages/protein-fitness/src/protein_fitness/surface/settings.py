"""How a surface is made."""

from dataclasses import dataclass

CURVATURES = ("shape_operator", "legacy")


@dataclass(frozen=True, kw_only=True)
class SurfaceSettings:
    """Settings that change a surface; the defaults are the paper's.

    Attributes:
        points_per_atom: Points that are thrown around each atom and drawn to the surface.
        resolution: Side in Å of the cells in which points are averaged; the number of points falls with its square.
        nearest: Atoms that the soft distance of a point runs over; None for all, which is slower.
        curvature: "shape_operator", or "legacy" as the authors' released code computes it, for their checkpoints.
        most_eigenpairs: The heat kernel's eigenpairs are at most so many; below, 0.06 of the points but at least 50.
    """

    points_per_atom: int = 20
    resolution: float | int = 1.0
    nearest: int | None = 16
    curvature: str = "shape_operator"
    most_eigenpairs: int = 128

    def __post_init__(self) -> None:
        for name in ("points_per_atom", "resolution", "nearest", "most_eigenpairs"):
            value = getattr(self, name)
            if value is not None and value <= 0:
                raise ValueError(f"`{name}` of a surface must be above 0, got {value}.")
        if self.curvature not in CURVATURES:
            allowed = " or ".join(map(repr, CURVATURES))
            raise ValueError(f"`curvature` of a surface must be {allowed}, got {self.curvature!r}.")


DEFAULT_SETTINGS = SurfaceSettings()
