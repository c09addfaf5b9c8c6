/** The {@code bezoar} command: its subcommands, and how they show what they were answered. */
@NullMarked
package io.bezoar.cli;

import org.jspecify.annotations.NullMarked;
