package io.bezoar.bench;

/** How much is measured, and how often. */
enum Scale {
  /** What figures are quoted from: working sets far beyond the CPU's caches. */
  FULL(
      301,
      7,
      4_000,
      1_000,
      1L << 30,
      256L << 20,
      1_000_000,
      2L << 30,
      1_500,
      4L << 30,
      10_000,
      1L << 40,
      200_000,
      1_000_000),
  /** To see that everything works. Its figures mean nothing. */
  QUICK(
      3, 2, 50, 5, 32L << 20, 32L << 20, 2_000, 32L << 20, 100, 32L << 20, 300, 1L << 30, 500,
      1_000);

  /** Rounds that are measured: many and short, so that most are over before somebody intrudes. */
  final int rounds;

  /** Rounds that are measured however long they take. */
  final int leastRounds;

  /** When to stop with fewer rounds. */
  final int measureMillis;

  /** How long each contender runs before, so that it is compiled. */
  final int warmUpMillis;

  /** Size of the pool that is read, written and scrubbed. */
  final long poolBytes;

  /** Size of the pool that is struck. */
  final long struckPoolBytes;

  /** Page errors in a storm. */
  final int stormErrors;

  /** Bytes that clients copy out. */
  final long servedBytes;

  /** How long a client runs. */
  final int clientMillis;

  /** Size of the plain file that gets a sidecar. */
  final long protectedBytes;

  /** Documents of the index that is searched. */
  final int documents;

  /** Size of the sparse device that is lost. */
  final long lostDeviceBytes;

  /** Files of one page that are checked. */
  final int checkedFiles;

  /** Files that are made. */
  final int manyFiles;

  Scale(
      int rounds,
      int leastRounds,
      int measureMillis,
      int warmUpMillis,
      long poolBytes,
      long struckPoolBytes,
      int stormErrors,
      long servedBytes,
      int clientMillis,
      long protectedBytes,
      int documents,
      long lostDeviceBytes,
      int checkedFiles,
      int manyFiles) {
    this.rounds = rounds;
    this.leastRounds = leastRounds;
    this.measureMillis = measureMillis;
    this.warmUpMillis = warmUpMillis;
    this.poolBytes = poolBytes;
    this.struckPoolBytes = struckPoolBytes;
    this.stormErrors = stormErrors;
    this.servedBytes = servedBytes;
    this.clientMillis = clientMillis;
    this.protectedBytes = protectedBytes;
    this.documents = documents;
    this.lostDeviceBytes = lostDeviceBytes;
    this.checkedFiles = checkedFiles;
    this.manyFiles = manyFiles;
  }
}
