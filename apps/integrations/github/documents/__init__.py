"""The GraphQL documents we send, as GitHub's schema knows them."""
