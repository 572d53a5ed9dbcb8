"""A database file of which a part cannot be read."""

from __future__ import annotations

from pathlib import Path

import duckdb

_FIRST_BLOCK = 3 * 4096
_BLOCK = 256 * 1024


def damage_column(path: Path, table: str, column: str) -> None:
    """Change one byte of each block of a closed file that holds values of a column."""
    with duckdb.connect(str(path), read_only=True) as file:
        blocks = file.execute(
            f"select distinct block_id from pragma_storage_info('{table}') "
            "where column_name = $column and segment_type <> 'VALIDITY' and block_id >= 0",
            {"column": column},
        ).fetchall()
    assert blocks, f"{table}.{column} is stored nowhere"
    with path.open("r+b") as file:
        for (number,) in blocks:
            file.seek(_FIRST_BLOCK + number * _BLOCK + _BLOCK // 2)
            byte = file.read(1)
            file.seek(-1, 1)
            file.write(bytes([byte[0] ^ 1]))
