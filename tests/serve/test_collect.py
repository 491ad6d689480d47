"""Pictures that the studio's page hands over: who may, which, where they lie and how many."""

import shlex

import numpy as np
import pytest

from fingerspell.cli import serve
from fingerspell.errors import ConfigError
from fingerspell.images import encode_jpeg
from fingerspell.images.encode import encode_png
from fingerspell.serve.app import create_app
from fingerspell.serve.limits import Limits
from fingerspell.serve.studio.collect import PATH, TOKEN_HEADER, Collect
from helpers.local_client import TestClient
from helpers.tiny_bundle import picture

NOISE = encode_jpeg(np.random.default_rng(1).integers(0, 256, (90, 90, 3), np.uint8))
A, B = encode_jpeg(picture("A")), encode_jpeg(picture("B"))


@pytest.fixture
def collect(tmp_path) -> Collect:
    return Collect(tmp_path / "hands", "fingerspell adapt")


@pytest.fixture
def post(recogniser, collect):
    limits = Limits(collected=3, frame_bytes=20_000, quick_pixels=60_000)
    client = TestClient(create_app(recogniser, limits, collect=collect))

    def send(content=A, label="A", **headers):
        sent = {TOKEN_HEADER: collect.token, **{x.replace("_", "-"): y for x, y in headers.items()}}
        return client.post(PATH, params={"label": label}, content=content, headers=sent)

    return send


def kept(collect):
    return sorted(x.relative_to(collect.folder).as_posix() for x in collect.folder.rglob("*.*"))


def test_pictures_lie_by_class_under_names_of_the_servers(post, collect):
    told = [post(A).json(), post(B).json(), post(B, label="B").json()]
    assert [one["pictures"] for one in told] == [1, 2, 1]
    assert told[0] == {"label": "A", "pictures": 1, "command": "fingerspell adapt"}
    assert sorted(name.split("/")[0] for name in kept(collect)) == ["A", "A", "B"]
    assert {path.read_bytes() for path in collect.folder.glob("A/*.jpg")} == {A, B}


def test_the_same_picture_again_changes_nothing(post, collect):
    assert [post(A).json()["pictures"] for _ in range(2)] == [1, 1]
    assert len(kept(collect)) == 1


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 201),
        ({"Origin": "http://localhost"}, 201),
        ({"Origin": "http://localhost:3000"}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Host": "evil.example"}, 421),
        ({TOKEN_HEADER: ""}, 403),
        ({TOKEN_HEADER: "ä".encode()}, 403),
    ],
)
def test_only_this_servers_page_with_this_starts_token_may(post, collect, headers, status):
    answer = post(**headers)
    assert answer.status_code == status and collect.token not in answer.text
    assert len(kept(collect)) == (status == 201)


@pytest.mark.parametrize("label", ["", "..", "../A", "/etc", "A/B", "unknown"])
def test_a_label_that_is_none_makes_no_folder(post, collect, label):
    assert post(label=label).status_code == 400
    assert not collect.folder.exists() and not collect.folder.with_name("A").exists()


@pytest.mark.parametrize(
    "content",
    [b"", b"no picture", encode_png(picture("A")), NOISE[: len(NOISE) // 2], A + bytes(20_000),
     encode_jpeg(picture("A").repeat(8, 0).repeat(8, 1))],
)  # fmt: skip
def test_what_is_no_small_whole_jpeg_is_refused(post, collect, content):
    assert post(content).status_code == 415
    assert kept(collect) == []


def test_a_full_folder_takes_no_more(post, collect):
    pictures = [encode_jpeg(picture("A"), quality=50 + n) for n in range(4)]
    assert [post(one).status_code for one in pictures] == [201, 201, 201, 409]
    assert len(kept(collect)) == 3 and post(pictures[0]).status_code == 201


def test_without_a_folder_there_is_no_such_address(client):
    assert client.post(PATH, content=A).status_code == 404


def test_the_option_names_the_folder_and_the_command_to_run(tmp_path):
    folder = tmp_path / "my hands"
    first, second = serve._collect(folder), serve._collect(folder)
    assert first.folder == folder and "fingerspell adapt --input_dir" in first.command
    assert shlex.split(first.command)[-1] == str(folder)
    assert len(first.token) > 30 and first.token != second.token
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="it is a file"):
        serve._collect(tmp_path / "file")
    assert serve._collect(None) is None
