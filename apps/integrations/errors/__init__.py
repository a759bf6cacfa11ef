"""Every way a sync can fail, as one tree whose members carry their evidence and say what to do.

::

    SyncError
    ├── GitHubError              GitHub answered with an error, or not at all
    │   ├── RateLimited          the hour's budget is used up
    │   ├── SecondaryLimited     too many requests in a short time, or Retry-After
    │   ├── QueryTimeout         GitHub took too long and gave up, or the answer did not come in time
    │   ├── TooCostly            the query asks for more than GitHub computes
    │   ├── PartialAnswer        some of the data is missing
    │   ├── ServerError          GitHub is in trouble
    │   │   └── QueryFailed      it failed to execute this query, and at once
    │   ├── NotReady             GitHub is still preparing the answer
    │   ├── Conflict             GitHub is in the middle of changing it, or it is empty
    │   ├── Unreachable          no connection, or no answer in time
    │   │   ├── ProxyRefused     the proxy wants a user and a password
    │   │   ├── TlsBroken        the encrypted connection broke off
    │   │   ├── CertificateUntrusted  the server that answers cannot prove to be GitHub
    │   │   └── CertificatesMissing   this machine's own list of authorities cannot be read
    │   ├── InvalidAnswer        cut off, not JSON, or not in GitHub's shape
    │   ├── QueryRefused         GitHub does not understand the request
    │   │   └── UndefinedField   an older server, which does not know a field
    │   ├── Unauthorized         the token is not accepted
    │   │   └── AppRefused       the GitHub App's key, or what it was made for, is not accepted
    │   ├── Forbidden            the token may not do this
    │   │   ├── InstallationSuspended  the GitHub App's installation is suspended
    │   │   ├── AppNotAllowed    the GitHub App's installation lacks a permission
    │   │   ├── SsoRequired      an organization wants the token authorized for SAML
    │   │   └── IpNotAllowed     an organization's IP allow list does not contain this machine
    │   ├── NotFound             gone, or hidden from this token
    │   │   └── InstallationGone the GitHub App is no longer installed there
    │   └── Moved                a redirect, which was not followed
    ├── IncompleteHistory        fewer pull requests are stored than GitHub counts
    ├── EveryRepositoryFailed    none of a run's repositories could be synced
    ├── StepNeverFinished        analysis or metrics were started again and again
    ├── AttemptDied              an attempt at a repository stopped giving signs of life
    ├── OutOfTime                an attempt or a step reached its time limit
    ├── InvalidApiUrl            an address that no token may be sent to
    ├── LaneLost                 the account's lane was held for too long to send anything more
    ├── Parked                   the wait is too long to sleep through; a later attempt goes on
    ├── NotInTime                the caller waits no longer
    ├── AnotherAccount           the token belongs to another account than it should
    ├── StandsBack               others want this attempt's place; a later attempt goes on
    ├── Superseded               another attempt has taken over, or the run has ended
    ├── Cancelled                somebody called the run off
    └── WrongState               a run cannot be cancelled or resumed as it stands

`str(error)` says what happened and `error.advice` what to do; `error.error_type` is a stable code, and
`error.retryable` says whether the same work may succeed later. No message holds a token or the body of an answer.
Errors can be pickled, because Celery does. Import every name from here; the modules divide the tree by where a failure
comes from.
"""

from __future__ import annotations

from apps.integrations.errors.base import SyncError, message_of, sentences
from apps.integrations.errors.codes import advice_for, passing_types
from apps.integrations.errors.github import (
    AppNotAllowed,
    AppRefused,
    Conflict,
    Evidence,
    Forbidden,
    GitHubError,
    InstallationGone,
    InstallationSuspended,
    InvalidAnswer,
    IpNotAllowed,
    Moved,
    NotFound,
    NotReady,
    PartialAnswer,
    QueryFailed,
    QueryRefused,
    QueryTimeout,
    RateLimited,
    SecondaryLimited,
    ServerError,
    SsoRequired,
    TooCostly,
    Unauthorized,
    UndefinedField,
)
from apps.integrations.errors.network import CertificatesMissing, CertificateUntrusted, ProxyRefused, TlsBroken, Unreachable
from apps.integrations.errors.sync import (
    AnotherAccount,
    AttemptDied,
    Cancelled,
    EveryRepositoryFailed,
    IncompleteHistory,
    InvalidApiUrl,
    LaneLost,
    NotInTime,
    OutOfTime,
    Parked,
    StandsBack,
    StepNeverFinished,
    Superseded,
    WrongState,
    limit_in_words,
)

__all__ = [
    "AnotherAccount",
    "AppNotAllowed",
    "AppRefused",
    "AttemptDied",
    "Cancelled",
    "CertificateUntrusted",
    "CertificatesMissing",
    "Conflict",
    "EveryRepositoryFailed",
    "Evidence",
    "Forbidden",
    "GitHubError",
    "IncompleteHistory",
    "InstallationGone",
    "InstallationSuspended",
    "InvalidAnswer",
    "InvalidApiUrl",
    "IpNotAllowed",
    "LaneLost",
    "Moved",
    "NotFound",
    "NotInTime",
    "NotReady",
    "OutOfTime",
    "Parked",
    "PartialAnswer",
    "ProxyRefused",
    "QueryFailed",
    "QueryRefused",
    "QueryTimeout",
    "RateLimited",
    "SecondaryLimited",
    "ServerError",
    "SsoRequired",
    "StandsBack",
    "StepNeverFinished",
    "Superseded",
    "SyncError",
    "TlsBroken",
    "TooCostly",
    "Unauthorized",
    "UndefinedField",
    "Unreachable",
    "WrongState",
    "advice_for",
    "limit_in_words",
    "message_of",
    "passing_types",
    "sentences",
]
