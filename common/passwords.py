"""Passwords: argon2id off the event loop with bounded concurrency, and what a password must be.

Hashing takes tens of milliseconds and 19 MiB each on purpose; the pool and its queue keep a burst of logins
from taking the whole process with it: past the limit callers get 503 instead of waiting forever.
"""

import asyncio
import base64
import hashlib
import hmac
import os
import string
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from importlib.resources import files
from typing import Final, TypeVar

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError

from common.problems import Unavailable

SHORTEST: Final = 8
LONGEST: Final = 128
# OWASP Password Storage Cheat Sheet: argon2id with m=19 MiB, t=2, p=1
_MEMORY_KIB: Final = 19456
_ROUNDS: Final = 2
# Of a random password that was thrown away, with the parameters above: what unknown accounts are checked
# against.
_NOBODYS_HASH: Final = (
    "$argon2id$v=19$m=19456,t=2,p=1$OwUNxwbkKtNJzTcOulW31A$x988xtxnB5FF54xf0XfFGcmxkPhGCnLQPU55vAzTR7s"
)
_PBKDF2: Final = "pbkdf2_sha256$"
_MOST_PBKDF2_ROUNDS: Final = 2_000_000

_Result = TypeVar("_Result")


class Passwords:
    """Threads that hash: argon2 lets go of the interpreter lock, so the event loop runs beside them."""

    def __init__(self, *, workers: int | None = None, queue_limit: int = 64) -> None:
        self._workers = workers or max(1, (os.cpu_count() or 2) // 2)
        self._most_waiting = queue_limit + self._workers
        self._waiting = 0
        self._pool = ThreadPoolExecutor(self._workers, thread_name_prefix="argon2")
        self._hasher = PasswordHasher(time_cost=_ROUNDS, memory_cost=_MEMORY_KIB, parallelism=1, type=Type.ID)

    async def hash_password(self, password: str) -> str:
        """An argon2id hash in PHC format; raises `Unavailable` if too many are waiting."""
        return await self._run(lambda: self._hasher.hash(normalise(password)))

    async def verify_password(self, stored: str, password: str) -> bool:
        """Whether the password is the one of the hash, argon2 or ``pbkdf2_sha256$rounds$salt$hash``."""
        return await self._run(lambda: self._matches(stored, normalise(password)))

    async def verify_dummy(self, password: str) -> bool:
        """Takes as long as `verify_password` and is false: for accounts that do not exist."""
        await self.verify_password(_NOBODYS_HASH, password)
        return False

    def needs_rehash(self, stored: str) -> bool:
        """Whether the hash is of an older format or of other parameters than today's."""
        try:
            return self._hasher.check_needs_rehash(stored)
        except InvalidHashError:
            return True

    def close(self) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _matches(self, stored: str, password: str) -> bool:
        if stored.startswith(_PBKDF2):
            return _matches_pbkdf2(stored, password)
        try:
            return self._hasher.verify(stored, password)
        except (VerificationError, InvalidHashError):
            return False

    async def _run(self, work: Callable[[], _Result]) -> _Result:
        if self._waiting >= self._most_waiting:
            raise Unavailable("Too many people are logging in at this moment.", retry_after=2)
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, work)
        finally:
            self._waiting -= 1


@lru_cache(maxsize=1)
def _of_this_process() -> Passwords:
    """One pool for a process, made at first use: what it bounds, cores and memory, is the process's too."""
    return Passwords()


async def hash_password(password: str) -> str:
    """`Passwords.hash_password` in the process's pool."""
    return await _of_this_process().hash_password(password)


async def verify_password(stored: str, password: str) -> bool:
    """`Passwords.verify_password` in the process's pool: the stored hash first, then what was typed."""
    return await _of_this_process().verify_password(stored, password)


async def verify_dummy(password: str) -> bool:
    """`Passwords.verify_dummy` in the process's pool."""
    return await _of_this_process().verify_dummy(password)


def needs_rehash(stored: str) -> bool:
    """`Passwords.needs_rehash`."""
    return _of_this_process().needs_rehash(stored)


def normalise(password: str) -> str:
    """NFKC, so that a password typed on another keyboard is the same one (NIST SP 800-63B §5.1.1.2)."""
    return unicodedata.normalize("NFKC", password)


def check_password_rules(password: str, *, forbidden: tuple[str, ...] = ()) -> list[str]:
    """What is wrong with a new password, in sentences; an empty list if nothing is.

    Length and a list of common ones, and no rules of composition, which only make people append "1!".
    `forbidden` are words that must not be the password: the address, the name.
    """
    normal = normalise(password)
    faults = []
    if len(normal) < SHORTEST:
        faults.append(f"Must have at least {SHORTEST} characters.")
    if len(normal) > LONGEST:
        faults.append(f"Must have at most {LONGEST} characters.")
    lowered = normal.lower()
    if not faults and (is_common(lowered) or any(word and lowered == word.lower() for word in forbidden)):
        faults.append("Is one of the passwords that are guessed first.")
    return faults


_LEET: Final = str.maketrans("430157$@!", "aeoistsai")
_TAILS: Final = "0123456789!@#$%^&*.?_-"


def is_common(password: str) -> bool:
    """Whether a lower-case password is on the list, repeats itself, or runs along a keyboard or the alphabet.

    A common word stays one with digits for letters (``p4ssw0rd``), and with digits or signs at its ends
    (``summer2024!``).
    """
    words = common_words()
    stem = password.rstrip(_TAILS).lstrip(_TAILS)
    spelled = password.translate(_LEET)
    candidates = {password, stem, spelled, stem.translate(_LEET), spelled.rstrip(_TAILS)}
    return bool(candidates & words) or _repeats(password) or _runs(password)


@lru_cache(maxsize=1)
def common_words() -> frozenset[str]:
    """The list beside this module, and each of its words twice in a row."""
    lines = files("common").joinpath("common_passwords.txt").read_text(encoding="utf-8").splitlines()
    words = [word for line in lines if not line.startswith("#") for word in line.split()]
    return frozenset(words) | {word + word for word in words}


def _repeats(password: str) -> bool:
    """``aaaaaaaa``, ``abcabcabc``: made of one piece of at most four characters."""
    return (
        any(password == (password[:size] * len(password))[: len(password)] for size in range(1, 5))
        and len(password) > 4
    )


_ROWS: Final = (
    string.ascii_lowercase,
    "01234567890123456789",
    "qwertyuiopasdfghjklzxcvbnm",
    "qazwsxedcrfvtgbyhnujmikolp",
    "1q2w3e4r5t6y7u8i9o0p",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p",
    "azertyuiopqsdfghjklmwxcvbn",
    "qwertzuiopasdfghjklyxcvbnm",
)


def _runs(password: str) -> bool:
    """``12345678``, ``qwertyui``, and two such pieces of at least four characters after each other."""

    def runs(piece: str) -> bool:
        return any(piece in row or piece in row[::-1] for row in _ROWS)

    return runs(password) or any(
        runs(password[:cut]) and runs(password[cut:]) for cut in range(3, len(password) - 2)
    )


def _matches_pbkdf2(stored: str, password: str) -> bool:
    try:
        _, rounds, salt, expected = stored.split("$")
        count = int(rounds)
        wanted = base64.b64decode(expected, validate=True)
    except ValueError:
        return False
    if not 1 <= count <= _MOST_PBKDF2_ROUNDS:
        return False
    found = hashlib.pbkdf2_hmac("sha256", password.encode(), salt.encode(), count)
    return hmac.compare_digest(found, wanted)
