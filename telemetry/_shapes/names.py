"""Names of fields, headers, parameters and options that hold a secret, whatever it looks like."""

from __future__ import annotations

import re
from functools import lru_cache

_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_SECRET = re.compile(
    r"""
    (?: .* [._\s/:-] )?
    (?: [a-z]{0,32} (?: token | pass (?: word | wd | phrase | code )s? ) | pwd
      | (?: client | api | app | shared )? secrets? (?: [_-]? key )?
      | (?: api | app | access | private | secret | auth | signing | encryption | master | fernet | shared | ssh
          | account | storage | consumer )
        [_-]? keys? (?: [_-]? (?: pem | base64 | fallbacks? ) )?
      | (?: proxy[_-]? )? authorization | cookies? | credentials? | sess (?: ion )? [_-]? id | jwt | bearer
      | (?: (?: amz | goog | oauth ) [_-] )? sig | (?: amz | goog | oauth ) [_-] signature
      | (?: db | user | smtp | redis ) [_-]? pass
    )
    (?: [_-]? (?: value | confirm (?: ation )? | again ) )? [_-]? \d{0,2}
    """,
    re.IGNORECASE | re.VERBOSE,
)


@lru_cache(maxsize=4096)
def is_secret_name(name: str) -> bool:
    """Return whether a field of this name holds a secret by definition: `password`, `accessToken`, `X-Api-Key`.

    The last word of a name decides: `password_reset` does not, nor does a count of `tokens`.
    """
    return len(name) <= 256 and _SECRET.fullmatch(_HUMP.sub("_", name)) is not None
