package io.bezoar.fs;

import io.bezoar.tree.Forest;
import io.bezoar.tree.Transaction;
import io.bezoar.tree.Tree;
import java.util.List;

/**
 * The trees of a filesystem.
 *
 * @param meta what it is, see {@link MetaLayout}
 * @param inodes number to inode, see {@link InodeLayout}
 * @param names directory and name to inode, see {@link NameTree}
 * @param links inode, directory and name to nothing: the names the other way round
 * @param extents inode and page to pages of the device, see {@link ExtentLayout}
 * @param owners pages of the device to inode and page: the extents the other way round
 * @param attributes symbolic links' targets and extended attributes, see {@link AttributeTree}
 * @param orphans inodes that are being taken apart
 */
record Trees(
    Tree meta,
    Tree inodes,
    Tree names,
    Tree links,
    Tree extents,
    Tree owners,
    Tree attributes,
    Tree orphans) {

  static Trees create(Transaction tx) {
    return new Trees(
        tx.createTree("meta"),
        tx.createTree("inodes"),
        tx.createTree("names"),
        tx.createTree("links"),
        tx.createTree("extents"),
        tx.createTree("owners"),
        tx.createTree("attributes"),
        tx.createTree("orphans"));
  }

  /** True for one of these; others are the forest's own. */
  boolean has(Tree tree) {
    return List.of(meta, inodes, names, links, extents, owners, attributes, orphans).contains(tree);
  }

  static Trees find(String device, Forest forest) throws FilesystemFormatException {
    return new Trees(
        find(device, forest, "meta"),
        find(device, forest, "inodes"),
        find(device, forest, "names"),
        find(device, forest, "links"),
        find(device, forest, "extents"),
        find(device, forest, "owners"),
        find(device, forest, "attributes"),
        find(device, forest, "orphans"));
  }

  private static Tree find(String device, Forest forest, String name)
      throws FilesystemFormatException {
    return forest
        .tree(name)
        .orElseThrow(
            () ->
                new FilesystemFormatException(
                    device,
                    "there is no tree \"" + name + "\": this is no filesystem of this program",
                    null));
  }
}
