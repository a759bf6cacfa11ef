"""Whatever a person pastes that means a repository is its name; anything else is told why not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.repositories.names import InvalidRepositoryName, repository_name

GITHUB = "https://api.github.com"
SERVER = "https://ghe.example/api/v3"

FORMS = [
    "{name}",
    " {name}\n",
    "{name}/",
    "{name}.git",
    "<{name}>",
    "{host}/{name}",
    "www.{host}/{name}",
    "https://{host}/{name}",
    "http://{host}/{name}/",
    "HTTPS://www.{host}/{name}",
    "  https://{host}/{name}.git  ",
    "'https://{host}/{name}'",
    "https://{host}:443/{name}",
    "https://{host}/{name}/pull/12",
    "https://{host}/{name}/pull/12/files#diff-1",
    "https://{host}/{name}/tree/main/src?tab=readme",
    "https://{host}/{name}?tab=readme#install",
    "{host}/{name}#install",
    "https://ada:secret@{host}/{name}.git",
    "git@{host}:{name}.git",
    "git@{host}:{name}",
    "git@{host}:/{name}",
    "ssh://git@{host}/{name}.git",
    "ssh://git@ssh.{host}:443/{name}.git",
    "git://{host}/{name}.git",
    "git+ssh://git@{host}/{name}",
    "https://api.{host}/repos/{name}",
    "https://{host}/api/v3/repos/{name}/pulls",
]
"""How an address of a repository may look; a person pastes what the page, git or a tool shows."""

LOGIN = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_-]{0,38}", fullmatch=True)
NAME = st.from_regex(r"[A-Za-z0-9._-]{1,40}", fullmatch=True).filter(lambda name: name not in (".", ".."))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(("api_url", "host"), [(GITHUB, "github.com"), (SERVER, "ghe.example")])
@pytest.mark.parametrize("name", ["libuv/libuv", "ada_corp/cakes", "a/.github", "Mixed-Case/x.y_z"])
def test_every_form_of_an_address_is_the_name(form: str, api_url: str, host: str, name: str) -> None:
    """With and without scheme, suffix, page and spaces."""
    assert repository_name(form.format(host=host, name=name), api_url=api_url) == name


@given(login=LOGIN, name=NAME, form=st.sampled_from(FORMS))
def test_any_name_is_found_in_any_form(login: str, name: str, form: str) -> None:
    """But for a suffix that no repository has."""
    full_name = f"{login}/{name}"
    if not name.endswith(".git"):
        assert repository_name(form.format(host="github.com", name=full_name), api_url=GITHUB) == full_name


@pytest.mark.parametrize(
    ("api_url", "text"),
    [
        ("http://127.0.0.1:8477", "http://127.0.0.1:8477/libuv/libuv"),
        ("http://127.0.0.1:8477", "127.0.0.1:8477/libuv/libuv"),
        ("http://localhost:8477", "localhost:8477/libuv/libuv"),
        ("http://simulator:8010", "simulator:8010/libuv/libuv"),
        ("http://127.0.0.1:8477", "https://github.com/libuv/libuv"),
        ("https://api.octo.ghe.com", "https://octo.ghe.com/libuv/libuv"),
    ],
)
def test_an_address_fits_the_api(api_url: str, text: str) -> None:
    """A simulator's own, GitHub's at a simulator, and a tenant's with a host of its own."""
    assert repository_name(text, api_url=api_url) == "libuv/libuv"


@pytest.mark.parametrize(
    ("api_url", "text", "host"),
    [
        (GITHUB, "https://gitlab.com/libuv/libuv", "gitlab.com"),
        (GITHUB, "https://github.com.evil.example/libuv/libuv", "github.com.evil.example"),
        (SERVER, "git@github.com:libuv/libuv.git", "github.com"),
        (GITHUB, "ghe.example/libuv/libuv", "ghe.example"),
    ],
)
def test_an_address_of_somewhere_else_is_refused(api_url: str, text: str, host: str) -> None:
    """A namesake there is another repository."""
    with pytest.raises(InvalidRepositoryName, match=f"an address at {host}, and the API is that of "):
        repository_name(text, api_url=api_url)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "a",
        "a/",
        "/a",
        "a/b/c",
        "a b/c",
        "-a/b",
        "_a/b",
        "a/..",
        "a/b c",
        "a/\u00e4",
        "https://github.com",
        "https://github.com/",
        "https://github.com/libuv",
        "https://[::1/libuv/libuv",
        "https://ada:secret@github.com/libuv",
        "ada:secret@github.com/libuv/libuv",
        "ssh://",
        "file:///libuv/libuv",
        "ghp_" + "secret" * 6,
        "a/" + "b" * 101,
    ],
)
def test_what_names_no_repository_says_how_to_write_it(text: str) -> None:
    """And repeats no password."""
    with pytest.raises(InvalidRepositoryName, match=r"Write it as OWNER/NAME") as caught:
        repository_name(text, api_url=GITHUB)
    assert "secret" not in str(caught.value)


def test_an_address_of_somewhere_else_is_repeated_without_its_secrets() -> None:
    """Some carry one behind the path."""
    with pytest.raises(InvalidRepositoryName, match=r"an address at gitlab\.com") as caught:
        repository_name("https://gitlab.com/a/b?private_token=hunter2", api_url=GITHUB)
    assert "hunter2" not in str(caught.value)


@given(st.text(max_size=40), st.sampled_from([GITHUB, SERVER, "http://localhost", "https://[::1"]))
def test_any_text_is_a_name_or_refused(text: str, api_url: str) -> None:
    """With nothing else raised."""
    try:
        name = repository_name(text, api_url=api_url)
    except InvalidRepositoryName:
        return
    assert repository_name(name, api_url=api_url) == name
