import sys

import pytest

from gpu_commons.package_files import package_files


@pytest.fixture
def shelf(tmp_path, monkeypatch):
    """An installed distribution with two books, whose code must not run."""
    described = tmp_path / "shelf_of_books-1.0.dist-info"
    described.mkdir()
    (described / "METADATA").write_text("Metadata-Version: 2.1\nName: shelf-of-books\nVersion: 1.0\n")
    (tmp_path / "shelf_of_books").mkdir()
    (tmp_path / "shelf_of_books" / "__init__.py").write_text("raise RuntimeError('imported')")
    for name in ("b", "a"):
        (tmp_path / "shelf_of_books" / f"{name}.txt").write_text(name)
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path / "shelf_of_books"


def test_files_are_found_in_order_and_nothing_is_imported(shelf):
    found = package_files("shelf-of-books==1.0", "shelf_of_books/*.txt")

    assert [path.read_text() for path in found] == ["a", "b"]
    assert "shelf_of_books" not in sys.modules


def test_an_unpacked_wheel_takes_the_place_of_the_package(shelf, tmp_path):
    other = tmp_path / "wheel"
    (other / "shelf_of_books").mkdir(parents=True)
    (other / "shelf_of_books" / "c.txt").write_text("c")

    (found,) = package_files("shelf-of-books==1.0", "shelf_of_books/*.txt", other)

    assert found.read_text() == "c"


def test_a_folder_without_the_files_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no shelf/\*.txt in .*; give the folder that the wheel of shelf==1.0"):
        package_files("shelf==1.0", "shelf/*.txt", tmp_path)


@pytest.mark.parametrize("requirement", ["shelf-of-books==1.0", "no-such-shelf==1.0"])
def test_what_is_not_installed_is_its_pip_line(shelf, requirement):
    with pytest.raises(ImportError, match=f"none.txt is data of a package: pip install --no-deps {requirement}"):
        package_files(requirement, "shelf_of_books/none.txt")
