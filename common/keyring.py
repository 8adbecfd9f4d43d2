"""Ed25519 signing keys in a JSON file that may change under a running process.

``{"keys": [{"kid", "private": base64url seed, "created": instant, "retired"?: instant}]}``. The newest key
that is not retired signs; all verify, so a rotation logs nobody out; a key stops verifying when it is
removed from the file. The file is looked at again at most once a second, so a rotation needs no restart.
"""

import base64
import hashlib
import os
import stat
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic
from typing import Any, BinaryIO, Final

import orjson
import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from common.verified import VerifiedTokens

_RECHECK_S: Final = 1.0
RETIRED_KEYS_ARE_KEPT: Final = timedelta(days=7)

_log: Final = structlog.get_logger("keyring")


class KeyRingError(Exception):
    """The key file cannot be used."""


@dataclass(frozen=True, slots=True)
class SigningKey:
    kid: str
    private: Ed25519PrivateKey
    public: Ed25519PublicKey
    created: datetime
    retired: datetime | None

    @property
    def jwk(self) -> dict[str, str]:
        """The public half as a JSON Web Key (RFC 8037)."""
        x = _base64url(self.public.public_bytes_raw())
        return {"kty": "OKP", "crv": "Ed25519", "x": x, "kid": self.kid, "alg": "EdDSA", "use": "sig"}


class KeyRing:
    """The keys of one file. It is a `Verifier` too, with `find_key` and `verified`."""

    def __init__(self, path: Path, keys: list[SigningKey], stamp: tuple[int, int, int]) -> None:
        self._path = path
        self._stamp = stamp
        self._checked_at = monotonic()
        self._verified = VerifiedTokens()
        self._take(keys)

    @classmethod
    def from_file(cls, path: Path | str) -> "KeyRing":
        """Read the file; raises `KeyRingError` if it is missing, malformed, or holds no key that may sign."""
        path = Path(path)
        stamp = _stamp_of(path)
        return cls(path, read_keys(path), stamp)

    def signing_key(self) -> SigningKey:
        self._refresh()
        return self._signing

    def all_keys(self) -> tuple[SigningKey, ...]:
        """Every key that verifies, oldest first."""
        self._refresh()
        return self._keys

    async def find_key(self, kid: str) -> Ed25519PublicKey | None:
        return self.public_key(kid)

    def public_key(self, kid: str) -> Ed25519PublicKey | None:
        self._refresh()
        return self._public.get(kid)

    @property
    def verified(self) -> VerifiedTokens:
        self._refresh()
        return self._verified

    def _take(self, keys: list[SigningKey]) -> None:
        self._keys = tuple(sorted(keys, key=lambda key: key.created))
        self._signing = [key for key in self._keys if key.retired is None][-1]
        self._public = {key.kid: key.public for key in self._keys}
        self._verified.clear()  # a token of a key that is gone must not be remembered as good

    def _refresh(self) -> None:
        now = monotonic()
        if now - self._checked_at < _RECHECK_S:
            return
        self._checked_at = now
        try:
            stamp = _stamp_of(self._path)
            if stamp == self._stamp:
                return
            self._take(read_keys(self._path))
        except KeyRingError as error:
            # The keys in memory are still good; refusing everybody because of a bad edit is not.
            _log.error("key file cannot be read again, going on with the keys known", error=str(error))
            return
        self._stamp = stamp
        _log.info("key file read again", signing_kid=self._signing.kid, keys=len(self._keys))


def jwks(ring: KeyRing) -> dict[str, Any]:
    """The document of ``/.well-known/jwks.json``: public halves only."""
    return {"keys": [key.jwk for key in ring.all_keys()]}


def read_keys(path: Path) -> list[SigningKey]:
    try:
        document = orjson.loads(path.read_bytes())
        keys = [_key_of(entry) for entry in document["keys"]]
    except OSError as error:
        raise KeyRingError(f"{path}: {error.strerror}") from error
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError) as error:
        raise KeyRingError(f"{path} is not a key file: {type(error).__name__}") from None
    if not any(key.retired is None for key in keys):
        raise KeyRingError(f"{path} holds no key that may sign")
    if len({key.kid for key in keys}) != len(keys):
        raise KeyRingError(f"{path} holds a kid twice")
    return keys


def write_new_key(path: Path | str, *, now: datetime | None = None) -> str:
    """Add a fresh key, which signs from now on, and return its kid; the file is made if it does not exist."""
    path = Path(path)
    entries = _entries(path)
    entry = _new_entry(now or datetime.now(UTC))
    _write(path, [*entries, entry])
    return str(entry["kid"])


def rotate(path: Path | str, *, now: datetime | None = None, keep: timedelta = RETIRED_KEYS_ARE_KEPT) -> str:
    """Add a fresh key, retire those before it, and drop those retired longer than `keep` ago."""
    path, now = Path(path), now or datetime.now(UTC)
    entry = _new_entry(now)
    kept = []
    for old in _entries(path):
        retired = datetime.fromisoformat(old["retired"]) if old.get("retired") else None
        if retired is None:
            kept.append({**old, "retired": _instant(now)})
        elif now - retired <= keep:
            kept.append(old)
    _write(path, [*kept, entry])
    return str(entry["kid"])


def _entries(path: Path) -> list[dict[str, Any]]:
    if not path.exists():
        return []
    read_keys(path)  # never write over something that is not a key file
    entries: list[dict[str, Any]] = orjson.loads(path.read_bytes())["keys"]
    return entries


def _new_entry(now: datetime) -> dict[str, Any]:
    private = Ed25519PrivateKey.generate()
    return {
        "kid": _thumbprint(private.public_key()),
        "private": _base64url(private.private_bytes_raw()),
        "created": _instant(now),
    }


def _write(path: Path, entries: list[dict[str, Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    content = orjson.dumps({"keys": entries}, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
    descriptor, draft = tempfile.mkstemp(dir=path.parent, prefix=path.name)  # mode 0600
    try:
        with os.fdopen(descriptor, "wb") as file:
            _write_through(file, content)
        _keep_owner(path, draft)
        Path(draft).replace(path)
    except BaseException:
        Path(draft).unlink(missing_ok=True)
        raise


def _write_through(file: BinaryIO, content: bytes) -> None:
    file.write(content)
    file.flush()
    os.fsync(file.fileno())


def _keep_owner(path: Path, draft: str) -> None:
    """Root may rotate for a service that runs as another user."""
    if path.exists() and os.getuid() == 0:
        owner = path.stat()
        os.chown(draft, owner.st_uid, owner.st_gid)


def _key_of(entry: dict[str, Any]) -> SigningKey:
    private = Ed25519PrivateKey.from_private_bytes(_from_base64url(entry["private"]))
    retired = datetime.fromisoformat(entry["retired"]) if entry.get("retired") else None
    created = datetime.fromisoformat(entry["created"])
    return SigningKey(str(entry["kid"]), private, private.public_key(), created.astimezone(UTC), retired)


def _stamp_of(path: Path) -> tuple[int, int, int]:
    try:
        found = path.stat()
    except OSError as error:
        raise KeyRingError(f"{path}: {error.strerror}") from error
    if not stat.S_ISREG(found.st_mode):
        raise KeyRingError(f"{path} is not a file")
    return found.st_mtime_ns, found.st_ino, found.st_size


def _thumbprint(public: Ed25519PublicKey) -> str:
    """The start of the key's RFC 7638 thumbprint: fresh for a fresh key, and short in a QR code."""
    members = f'{{"crv":"Ed25519","kty":"OKP","x":"{_base64url(public.public_bytes_raw())}"}}'
    return _base64url(hashlib.sha256(members.encode()).digest())[:12]


def _instant(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _base64url(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def _from_base64url(value: str) -> bytes:
    return base64.urlsafe_b64decode(value + "=" * (-len(value) % 4))
