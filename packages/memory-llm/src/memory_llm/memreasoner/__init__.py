"""MemReasoner: hops through the ordered lines of a long text to the one that answers a question."""
