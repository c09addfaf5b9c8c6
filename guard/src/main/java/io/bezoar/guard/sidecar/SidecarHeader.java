package io.bezoar.guard.sidecar;

import java.util.UUID;

/**
 * What a sidecar says about the file that it protects.
 *
 * @param id random, of this sidecar alone: no block of another one is ever taken for one of its own
 * @param createdMillis when it was made, since 1970
 * @param modifiedNanos modification time of the file when it was protected, since 1970
 * @param asked the redundancy that was asked for
 * @param geometry the layout that the file got
 */
record SidecarHeader(
    UUID id, long createdMillis, long modifiedNanos, Redundancy asked, SidecarGeometry geometry) {}
