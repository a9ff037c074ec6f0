import torch

from protein_fitness.surface import cache
from protein_fitness.surface.cache import cached_surface
from protein_fitness.surface.surface import make_surface


def counted(monkeypatch):
    made = []

    def making(structure, **kwargs):
        made.append(kwargs)
        return make_surface(structure, **kwargs)

    monkeypatch.setattr(cache, "make_surface", making)
    return made


def test_a_surface_is_made_once_and_is_the_same_from_the_file(hairpin, tmp_path, monkeypatch):
    made = counted(monkeypatch)
    first, second = (cached_surface(hairpin, tmp_path, seed=2) for _ in range(2))
    assert len(made) == 1
    assert torch.equal(first.points, second.points)
    assert torch.equal(first.features, second.features)
    assert [path.name for path in tmp_path.iterdir()] == [f"{first.digest}.npz"]
    assert cached_surface(hairpin, tmp_path, seed=3).digest != first.digest
    assert len(made) == 2


def test_a_file_cut_short_is_made_anew(hairpin, tmp_path, monkeypatch):
    made = counted(monkeypatch)
    first = cached_surface(hairpin, tmp_path)
    path = tmp_path / f"{first.digest}.npz"
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    again = cached_surface(hairpin, tmp_path)
    assert len(made) == 2
    assert torch.equal(first.features, again.features)
    assert path.read_bytes() == whole
