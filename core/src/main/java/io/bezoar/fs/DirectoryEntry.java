package io.bezoar.fs;

/**
 * A name in a directory.
 *
 * @param name the name
 * @param type what it names
 * @param id which file
 */
public record DirectoryEntry(FileName name, FileType type, FileId id) {}
