package io.bezoar.media;

/** What a successful persist means on this media. */
public enum Persistence {
  /** Memory: survives the death of the process, not of the machine. Persist has nothing to do. */
  PROCESS_CRASH("survives a crash of the process, not of the machine (memory)", true),
  /** Every store is written back from the CPU caches as it is made. */
  CPU_WRITE_BACK("survives power loss; stores are written back as they are made", true),
  /** Durable once fdatasync has returned. */
  FDATASYNC("survives power loss once fdatasync has returned", false),
  /** The simulation decides which unpersisted lines survive. */
  SIMULATED("simulated: any subset of unpersisted lines survives a crash", false);

  private final String meaning;
  private final boolean cheap;

  Persistence(String meaning, boolean cheap) {
    this.meaning = meaning;
    this.cheap = cheap;
  }

  /** One sentence for people. */
  public String meaning() {
    return meaning;
  }

  /** True when a persist costs so little that batching writes in front of it gains nothing. */
  public boolean cheap() {
    return cheap;
  }
}
