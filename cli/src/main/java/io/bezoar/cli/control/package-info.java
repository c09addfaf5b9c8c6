/**
 * What can be asked of a pool, as one JSON object per question and a stream of them per answer:
 * asked in this process when it has the pool, and through the control socket when another one has
 * it.
 */
@NullMarked
package io.bezoar.cli.control;

import org.jspecify.annotations.NullMarked;
