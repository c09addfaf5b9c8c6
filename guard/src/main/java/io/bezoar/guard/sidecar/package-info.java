/**
 * A file's sidecar, {@code FILE.bez}: checksums that tell which pages of the file went bad, and
 * parity that gives them back. For files that no longer change.
 */
@NullMarked
package io.bezoar.guard.sidecar;

import org.jspecify.annotations.NullMarked;
