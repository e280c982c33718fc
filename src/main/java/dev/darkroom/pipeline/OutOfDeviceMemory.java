package dev.darkroom.pipeline;

import ai.djl.engine.EngineException;
import java.util.regex.Pattern;

/** The device has no memory left for this call; a smaller one may fit. */
public final class OutOfDeviceMemory extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** libtorch's allocators, and CUDA's own words where it asks without them. */
    private static final Pattern WORDS =
            Pattern.compile("DefaultCPUAllocator|out of memory|CUBLAS_STATUS_ALLOC_FAILED", Pattern.CASE_INSENSITIVE);

    public OutOfDeviceMemory(String message, Throwable cause) {
        super(message, cause);
    }

    /** The failure of a call, as this if that is what it is: libtorch tells it in words only. */
    static RuntimeException orSame(EngineException failure) {
        String message = String.valueOf(failure.getMessage());
        return WORDS.matcher(message).find() ? new OutOfDeviceMemory(message, failure) : failure;
    }
}
