package dev.darkroom.pipeline;

import dev.darkroom.program.NativeHeap;

/** The thread to load and use pipelines on: pictures come out the same on any other, but slower. */
public final class DeviceThread {
    private DeviceThread() {}

    /** Starts the work on a thread whose native memory is kept from one network call to the next. */
    public static Thread start(String name, Runnable work) {
        return NativeHeap.start(name, work);
    }
}
