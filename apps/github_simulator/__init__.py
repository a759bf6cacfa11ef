"""A GitHub simulator with GraphQL, REST, rate limits and scripted faults."""
