/**
 * Salvage: everything readable of a failing file or device is brought into a safe place, what
 * cannot be read is named, and the work can be stopped and resumed at any moment, here or by GNU
 * ddrescue, whose mapfile is the record of what was done.
 */
@NullMarked
package io.bezoar.guard.salvage;

import org.jspecify.annotations.NullMarked;
