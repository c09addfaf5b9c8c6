package io.bezoar.tree;

/**
 * Figures about a forest, at one moment or nearly so.
 *
 * @param durableCommit number of the newest durable commit
 * @param pages pages of the device
 * @param freePages pages that the newest durable commit leaves free
 * @param availablePages of those, what can be handed out now
 * @param restingPages pages that become available when older commits and readers are out of reach
 * @param quarantinedPages free pages that were set aside because the device knows them to be bad
 * @param reservePages what {@link Purpose#ORDINARY} transactions leave free
 * @param nodesRead nodes that were read from the device
 * @param copiesRepaired bad copies of nodes that were rewritten
 * @param copiesBad bad copies that could not be rewritten; the nodes have one copy left
 * @param cachedNodes nodes in the cache
 * @param cachedNodesMax most nodes that the cache holds
 */
public record ForestStatus(
    long durableCommit,
    long pages,
    long freePages,
    long availablePages,
    long restingPages,
    long quarantinedPages,
    long reservePages,
    long nodesRead,
    long copiesRepaired,
    long copiesBad,
    int cachedNodes,
    int cachedNodesMax) {}
