package io.bezoar.nbd;

/** What a client may ask about ranges of the volume by NBD_CMD_BLOCK_STATUS. */
enum MetaContext {
  /** The protocol's own: every byte is allocated, nothing is known to be zero. */
  ALLOCATION("base:", "allocation", 1),
  /** What became of the bytes; the flags are those of {@link RangeHealth}. */
  POISON("bezoar:", "poison", 2);

  private final String namespace;
  private final String leaf;
  private final int id;

  MetaContext(String namespace, String leaf, int id) {
    this.namespace = namespace;
    this.leaf = leaf;
    this.id = id;
  }

  String fullName() {
    return namespace + leaf;
  }

  /** Stands for the context in replies. */
  int id() {
    return id;
  }

  /** Whether a query that lists contexts means this one: its name, or its whole namespace. */
  boolean isListedBy(String query) {
    return query.equals(namespace) || isSelectedBy(query);
  }

  /** Whether a query that selects contexts means this one: only by its name. */
  boolean isSelectedBy(String query) {
    return query.equals(fullName());
  }
}
