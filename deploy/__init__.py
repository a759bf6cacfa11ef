"""The stack around the application: configuration, versions, and the programs that run or check it."""
