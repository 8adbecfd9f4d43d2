from __future__ import annotations

from services.ticketing.documents.code import QUIET_ZONE, code_matrix

TOKEN = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:" * 3 + "0123456789ABCDE"


def test_a_code_is_square_with_white_all_around() -> None:
    matrix = code_matrix(TOKEN)
    assert {len(row) for row in matrix} == {len(matrix)}
    edges = [*matrix[:QUIET_ZONE], *matrix[-QUIET_ZONE:], *zip(*matrix, strict=True)]
    assert not any(any(row) for row in matrix[:QUIET_ZONE] + matrix[-QUIET_ZONE:])
    assert not any(row[column] for row in matrix for column in (*range(QUIET_ZONE), -1, -2, -3, -4))
    assert any(any(row) for row in edges)


def test_a_token_is_taken_as_alphanumeric_which_keeps_the_code_small() -> None:
    # Version 6, 41 modules, holds 154 alphanumeric characters at level M, and 106 bytes.
    assert len(code_matrix(TOKEN)) == 41 + 2 * QUIET_ZONE
