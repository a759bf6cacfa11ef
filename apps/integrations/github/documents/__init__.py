"""The GraphQL documents that we send: operations, and fragments with one file each."""
