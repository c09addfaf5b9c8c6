/** Measurements of Bezoar, side by side with their peers. */
@org.jspecify.annotations.NullMarked
package io.bezoar.bench;
