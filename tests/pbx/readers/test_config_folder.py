"""Configuration folders from disk, archives and single uploads; hostile paths are never followed."""

from __future__ import annotations

import gzip
import io
import os
import stat
import tarfile
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.core.errors import FileError
from dashboard.pbx import Upload, needs_pbx_name, read_files
from dashboard.pbx.inventory.ids import pbx_id_of
from dashboard.pbx.readers import config_folder
from tests.texts import golden

FILES = {"etc/asterisk/pjsip.conf": b"[a]\n", "etc/asterisk/custom/b.conf": b"[b]\n"}


def zipped(files, **member):
    """Return a zip archive of files, with extra attributes on each member."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            info = zipfile.ZipInfo(name)
            info.compress_type = zipfile.ZIP_DEFLATED
            for key, value in member.items():
                setattr(info, key, value)
            archive.writestr(info, content)
    return data.getvalue()


def tarred(files, *links):
    """Return a tar archive of files and of links to /etc/passwd."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
        for name in links:
            info = tarfile.TarInfo(name)
            info.type = tarfile.SYMTYPE
            info.linkname = "/etc/passwd"
            archive.addfile(info)
    return data.getvalue()


def test_a_folder_on_disk_is_paths_and_bytes(tmp_path):
    """Each text file is returned by its path in the folder; the folder keeps its name."""
    for path, content in FILES.items():
        (tmp_path / "seattle" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "seattle" / path).write_bytes(content)

    folder, problems = config_folder.from_disk(tmp_path / "seattle")

    assert (folder.name, folder.files, problems) == ("seattle", FILES, [])
    assert "[a]" not in repr(folder)


def test_what_leads_out_of_a_folder_is_refused_and_the_rest_is_read(tmp_path):
    """A link out, a dangling link, a loop, a pipe and a binary file are each reported; the rest is read."""
    (tmp_path / "secret.conf").write_text("[secret]\n")
    folder = tmp_path / "pbx"
    (folder / "real").mkdir(parents=True)
    (folder / "good.conf").write_text("[good]\n")
    (folder / "inside.conf").symlink_to("good.conf")
    (folder / "out.conf").symlink_to(tmp_path / "secret.conf")
    (folder / "up").symlink_to("..")
    (folder / "same").symlink_to("real")
    (folder / "nowhere.conf").symlink_to("none.conf")
    (folder / "loop.conf").symlink_to("loop.conf")
    (folder / "sound.gsm").write_bytes(b"\x7f\0\0\1" * 10)
    os.mkfifo(folder / "pipe")

    found, problems = config_folder.from_disk(folder)

    assert found.files == {"good.conf": b"[good]\n", "inside.conf": b"[good]\n"}
    assert {problem.file: problem.message.partition(",")[0].partition(":")[0] for problem in problems} == {
        "pbx/out.conf": golden("errors.pbx_config.link_out"),
        "pbx/up": golden("errors.pbx_config.link_out"),
        "pbx/same": golden("errors.pbx_config.link_to_a_folder"),
        "pbx/nowhere.conf": golden("errors.pbx_config.cannot_be_read"),
        "pbx/loop.conf": golden("errors.pbx_config.cannot_be_read"),
        "pbx/sound.gsm": golden("errors.pbx_config.not_a_text"),
        "pbx/pipe": golden("errors.pbx_config.not_a_plain_file"),
    }


def test_names_that_are_no_text_are_shown_as_one_line(tmp_path):
    """Names with invalid UTF-8, line ends or escape codes are read, and displayed as one printable line."""
    folder = tmp_path / os.fsdecode(b"hq\xff")
    table = tmp_path / os.fsdecode(b"t\xff.csv")
    folder.mkdir()
    (folder / "pjsip.conf").write_text("[t\n")
    (folder / os.fsdecode(b"odd\xff\n\x1b[31m.conf")).write_bytes(b"\0")
    table.write_text("pbx_id,name\n!,!\n")

    inventory = read_files([folder, table])
    told = [str(one) for one in inventory.problems]

    assert len(told) >= 3
    assert all(one.isprintable() and one.encode() for one in told)
    assert inventory.frames["pbxs"]["pbx_id"].tolist() == [pbx_id_of(folder.name)]


def test_what_cannot_be_asked_is_said_and_the_rest_is_read(tmp_path):
    """Folders nested deeper than the path limit are reported, and locked ones if the tests do not run as root."""
    (tmp_path / "good.conf").write_text("[good]\n")
    (tmp_path / "locked").mkdir()
    (tmp_path / "locked" / "in.conf").write_text("[in]\n")
    (tmp_path / "locked").chmod(0o444)
    here = os.open(".", os.O_RDONLY)
    os.chdir(tmp_path)
    try:
        for _ in range(30):
            Path("x" * 200).mkdir()
            os.chdir("x" * 200)
        found, problems = config_folder.from_disk(tmp_path)
    finally:
        os.fchdir(here)
        os.close(here)
        (tmp_path / "locked").chmod(0o755)

    assert found.files["good.conf"] == b"[good]\n"
    assert golden("errors.disk.name_too_long") in problems[-1].message
    assert all(len(one.file) <= config_folder.LONGEST_NAME + 1 for one in problems)


@pytest.mark.parametrize("name", ["seattle.zip", "seattle.tar", "seattle.tar.gz", "SEATTLE.TGZ"])
def test_archives_are_unpacked_in_memory(name):
    """Zip and tar, compressed or not, give the same files as the folder."""
    data = zipped(FILES) if name.endswith("zip") else tarred(FILES)
    packed = gzip.compress(data) if name.lower().endswith("gz") else data

    folder, problems = config_folder.from_archive(Upload(name, packed))

    assert (folder.name.lower(), folder.files, problems) == ("seattle", FILES, [])


@pytest.mark.parametrize("name", ["../out.conf", "a/../../out.conf", "/etc/passwd", "..\\out.conf", "C:\\out.conf"])
@pytest.mark.parametrize("pack", [zipped, tarred])
def test_names_that_lead_out_of_an_archive_are_refused(name, pack):
    """Names that lead out of an archive are reported; the other files are read."""
    archive = Upload("a.zip" if pack is zipped else "a.tar", pack({name: b"x", "good.conf": b"y"}))

    folder, (problem,) = config_folder.from_archive(archive)

    assert folder.files == {"good.conf": b"y"}
    assert golden("errors.pbx_config.leads_out") in problem.message


def test_links_and_locked_files_of_archives_are_refused():
    """A link in an archive could point to any file of the machine."""
    linked = zipped({"link.conf": b"/etc/passwd"}, external_attr=(stat.S_IFLNK | 0o777) << 16)
    locked = bytearray(zipped({"locked.conf": b"x"}))
    for mark, place in ((b"PK\1\2", 8), (b"PK\3\4", 6)):
        locked[locked.index(mark) + place] |= 1

    for name, data in (("a.zip", linked), ("a.zip", bytes(locked)), ("a.tar", tarred({}, "link.conf"))):
        folder, (problem,) = config_folder.from_archive(Upload(name, data))
        assert folder.files == {}
        assert "link" in problem.message or "encrypted" in problem.message


@pytest.mark.parametrize("name", ["bomb.zip", "bomb.tar.gz"])
def test_decompression_bomb_uses_bounded_memory(name):
    """A decompression bomb uses no more memory than the total limit."""
    zeros = b"0" * (config_folder.MOST_BYTES + 1)
    data = zipped({"a.conf": zeros, "b.conf": b"x"}) if name == "bomb.zip" else gzip.compress(tarred({"a": zeros}))
    assert len(data) < config_folder.MOST_BYTES // 100

    inventory = read_files([Upload(name, data)])

    assert any("64 MB" in problem.message for problem in inventory.problems)


def test_a_zip_that_lies_of_its_sizes_is_no_archive():
    """A member is read only up to its declared size."""
    data = bytearray(zipped({"a.conf": b"0" * 100_000}))
    place = data.index(b"PK\1\2") + 24
    data[place : place + 4] = (10).to_bytes(4, "little")

    with pytest.raises(FileError, match="cannot be unpacked"):
        config_folder.from_archive(Upload("a.zip", bytes(data)))


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_zip_whose_packed_bytes_are_broken_is_a_sentence(method):
    """Corrupt compressed data gives a message with every compression method."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", method) as archive:
        archive.writestr("pjsip.conf", "".join(f"a{number} = {number * 7919}\n" for number in range(500)))
    data = bytearray(packed.getvalue())
    data[100:400] = bytes(300)

    with pytest.raises(FileError, match="cannot be unpacked"):
        config_folder.from_archive(Upload("pbx.zip", bytes(data)))


def test_too_many_files_are_cut_and_said():
    """The first files of the folder are read, and the limit is reported."""
    files = {f"{number}.conf": b"" for number in range(config_folder.MOST_FILES + 10)}

    folder, (problem,) = config_folder.from_archive(Upload("a.zip", zipped(files)))

    assert len(folder.files) == config_folder.MOST_FILES
    assert "more than 5,000 files" in problem.message


def test_many_files_of_one_fault_are_said_in_few_words():
    """Only the first of many files with the same fault are named."""
    files = {f"{number}.bin": b"\0" for number in range(100)}

    _, problems = config_folder.from_archive(Upload("a.zip", zipped(files)))

    assert len(problems) == config_folder.MOST_SAID
    assert problems[-1].message == golden("errors.pbx_config.same_for_more_files")


@given(st.binary(max_size=400), st.sampled_from(["a.zip", "a.tar", "a.tar.gz", "a.tgz"]))
def test_any_bytes_as_an_archive_are_a_sentence(data, name):
    """No bytes raise an exception; nothing is read from them, and a message is given."""
    inventory = read_files([Upload(name, data), Upload(name, zipped(FILES)[: len(data)])])

    assert inventory.problems


def test_tables_in_an_archive_are_read_as_files():
    """A folder that is not a PBX configuration may contain the three inventory tables."""
    tables = {"pbxs.csv": b"pbx_id,name\ndenver,Denver\n", "numbers.csv": b"pbx_id,number\ndenver,13035550124\n"}

    inventory = read_files([Upload("tables.zip", zipped(tables))])

    assert inventory.problems == []
    assert inventory.frames["pbx_numbers"]["number"].tolist() == ["13035550124"]


def test_a_pbx_is_named_for_the_nearest_folder_of_its_own():
    """A PBX is named after its nearest distinctive folder; standard folder names are skipped."""
    folder = config_folder.Folder("backups", {})

    assert folder.pbx_name("seattle/etc/asterisk") == "seattle"
    assert folder.pbx_name("etc/asterisk") == "backups"
    assert config_folder.Folder("", {}).pbx_name("etc/asterisk") == "asterisk"


def test_single_files_of_configuration_need_a_name():
    """A single configuration file needs a PBX name; a table or an archive supplies its own."""
    assert needs_pbx_name([Upload("pjsip.conf", b"")])
    assert not needs_pbx_name([Upload("pbxs.csv", b""), Upload("seattle.zip", b"")])
