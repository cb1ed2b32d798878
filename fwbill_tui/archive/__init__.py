"""Usage kept on disk: one Parquet file per account and UTC day, and a manifest that says which days there are.

    <data folder>/archive/<host>/<account>/manifest.json
                                           2026-10-01.3f9c….parquet
                                           damaged/…

The manifest alone says what is kept. A day's file is written whole under a name of its own before the manifest names it,
and the manifest is replaced in one step, so that a program that is killed, or a disk that is full, leaves the archive as it
was before or as it is after. Files that no manifest names are left-overs and are removed when they are old enough.
"""
