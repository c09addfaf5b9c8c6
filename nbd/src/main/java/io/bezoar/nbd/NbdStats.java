package io.bezoar.nbd;

/**
 * What a server has done since it was started.
 *
 * @param connectionsNow connections that are open
 * @param connections connections so far
 * @param refusedConnections connections closed at once because there were too many
 * @param violations connections closed because the client broke the protocol
 * @param stalledConnections connections closed because the client held memory and did not go on
 * @param reads read requests carried out, failed ones included
 * @param readBytes bytes of them
 * @param writes write and zero requests carried out, failed ones included
 * @param writtenBytes bytes of them
 * @param flushes flushes, and writes that asked for one
 * @param errors requests answered with an error
 */
public record NbdStats(
    long connectionsNow,
    long connections,
    long refusedConnections,
    long violations,
    long stalledConnections,
    long reads,
    long readBytes,
    long writes,
    long writtenBytes,
    long flushes,
    long errors) {}
