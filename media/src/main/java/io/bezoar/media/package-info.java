/**
 * Raw bytes and the only code that touches mapped memory: guarded copies, persistence, probing,
 * injection, simulation.
 */
@NullMarked
package io.bezoar.media;

import org.jspecify.annotations.NullMarked;
