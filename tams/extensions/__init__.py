"""What the store does beside the standard: one extension a file, one switch each.

No extension changes an answer of the standard. Each file holds an `EXTENSION`; its name is the
file's, with hyphens, in `TAMS_EXTENSIONS` and in the `extensions` of `GET /service`.
"""
