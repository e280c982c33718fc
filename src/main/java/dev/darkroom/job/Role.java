package dev.darkroom.job;

/** What a process of a cluster does. */
enum Role {
    /** Answers requests and draws. */
    ALL,
    /** Answers requests only; no network is ever loaded. */
    API,
    /** Draws only; answers nothing but health. */
    WORKER
}
