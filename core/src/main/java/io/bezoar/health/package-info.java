/** What happened and what is being done about it: events, counters, scrubbing. */
@NullMarked
package io.bezoar.health;

import org.jspecify.annotations.NullMarked;
