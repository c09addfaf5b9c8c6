/**
 * The device contract: what is known to be bad, who holds the device, failure notices, recovery
 * reads and writes.
 */
@NullMarked
package io.bezoar.dax;

import org.jspecify.annotations.NullMarked;
