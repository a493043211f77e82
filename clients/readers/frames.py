"""Reads collections into pandas as an analyst would, and prints what it has as JSON.

Argument: the address of the API. Input: collections with their columns and kinds, from the contract.
"""

import json
import sys

import pandas as pd

DTYPES = {"integer": "Int64", "number": "Float64", "boolean": "boolean"}


def values(series):
    if str(series.dtype).startswith("datetime64"):
        series = series.dt.strftime("%Y-%m-%d")
    return [None if pd.isna(value) else value for value in series.astype(object)]


def csv(base, name, kinds):
    days = [column for column, kind in kinds.items() if kind == "day"]
    frame = pd.read_csv(
        f"{base}/v1/{name}.csv",
        dtype={column: DTYPES.get(kind, "string") for column, kind in kinds.items() if kind != "day"},
        parse_dates=days,
        keep_default_na=False,  # a publisher may be called NA
        na_values=[""],
    )
    return {
        "types": {column: str(frame[column].dtype) for column in frame},
        "values": {column: values(frame[column]) for column in frame},
    }


def ndjson(base, name):
    frame = pd.read_json(f"{base}/v1/{name}.ndjson", lines=True, dtype=False, convert_dates=False)
    return {"records": len(frame), "unknown": {column: int(frame[column].isna().sum()) for column in frame}}


def naive(base, name):
    civilians = pd.read_csv(f"{base}/v1/{name}.csv")["civilians"]
    return {
        "rows": len(civilians),
        "unknown": int(civilians.isna().sum()),
        "zeros": int((civilians == 0).sum()),
        "sum": int(civilians.sum()),
    }


def main():
    base, tables = sys.argv[1], json.load(sys.stdin)
    read = {name: {"csv": csv(base, name, kinds), "ndjson": ndjson(base, name)} for name, kinds in tables.items()}
    read["prisoner-exchanges"]["naive"] = naive(base, "prisoner-exchanges")
    json.dump(read, sys.stdout)


main()
