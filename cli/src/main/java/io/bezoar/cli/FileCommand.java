package io.bezoar.cli;

/** A command on plain files and devices: what is said of pools is no advice to its user. */
interface FileCommand {}
