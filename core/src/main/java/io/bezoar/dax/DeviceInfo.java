package io.bezoar.dax;

/**
 * What one device is. Immutable.
 *
 * @param name stands in every message
 * @param sizeBytes size of its address space
 * @param granuleBytes the unit in which reads and recovery reads tell good from bad; a write of
 *     less than a granule over poison is refused
 * @param verified true when every read is checked against a checksum, so that what it returns is
 *     what was written
 * @param persistCheap true when a persist costs so little that batching gains nothing
 * @param blocking true when accesses may wait for a disk
 * @param failureDomains {@link DaxDevice#failureDomain} is at least 0 and less than this
 */
public record DeviceInfo(
    String name,
    long sizeBytes,
    int granuleBytes,
    boolean verified,
    boolean persistCheap,
    boolean blocking,
    int failureDomains) {}
