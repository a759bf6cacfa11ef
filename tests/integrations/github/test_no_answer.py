"""Why there is no answer is found wherever the libraries have put it, and none of their texts is repeated."""

from __future__ import annotations

import ssl

import pytest
import requests

from apps.integrations.errors import CertificateUntrusted, GitHubError, QueryTimeout, Unreachable
from apps.integrations.github.no_answer import error_of


def _told(error: OSError) -> GitHubError:
    return error_of(error, host="api.github.com", is_encrypted=True, connect_seconds=5.0, deadline_seconds=30.0)


def test_the_cause_is_found_however_it_is_wrapped() -> None:
    """As an argument of an argument, as a reason, as what was raised from, or as what was being handled."""

    class _ReasonedError(OSError):
        reason = TimeoutError()

    from_cause, in_context = requests.ConnectionError(), requests.ConnectionError()
    from_cause.__cause__, in_context.__context__ = TimeoutError(), TimeoutError()
    wrapped = requests.ConnectionError(OSError(OSError(TimeoutError())))
    for error in (wrapped, requests.ConnectionError(_ReasonedError()), from_cause, in_context):
        assert isinstance(_told(error), QueryTimeout)
    untrusted = requests.exceptions.SSLError(OSError(ssl.SSLCertVerificationError()))
    assert isinstance(_told(untrusted), CertificateUntrusted)


@pytest.mark.timeout(5)
def test_errors_that_wrap_one_another_are_looked_at_once() -> None:
    """Nobody looks for ever."""
    inner = OSError()
    outer = requests.ConnectionError(inner)
    inner.__cause__ = outer
    assert type(_told(outer)) is Unreachable


def test_no_text_of_a_library_is_repeated() -> None:
    """It may hold a proxy's password."""
    error = requests.ConnectionError("http://ada:secret@proxy")
    assert str(_told(error)) == "api.github.com cannot be reached, or closed the connection"
