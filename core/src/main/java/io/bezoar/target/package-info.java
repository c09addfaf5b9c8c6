/**
 * Devices made of devices: each translates failures of its children into its own ranges and absorbs
 * what redundancy can absorb.
 */
@NullMarked
package io.bezoar.target;

import org.jspecify.annotations.NullMarked;
