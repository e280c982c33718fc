package dev.darkroom.nets;

import ai.djl.Device;
import dev.darkroom.program.Network;
import dev.darkroom.program.Program;
import dev.darkroom.weights.DiffusersFolder;
import dev.darkroom.weights.Tensor;
import dev.darkroom.weights.Weights;
import java.util.Collection;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A network: what it computes, where its weights lie, and, from its first use on, the thing itself. */
final class Part implements AutoCloseable {
    /** Where checkpoints saved before diffusers 0.12 keep the projections of the VAE's attention. */
    private static final Map<String, String> OLD_VAE_NAMES =
            Map.of(".to_q.", ".query.", ".to_k.", ".key.", ".to_v.", ".value.", ".to_out.0.", ".proj_attn.");

    /** What transformers 5 leaves out of the names in a text encoder's file; it reads both. */
    private static final String TEXT_PREFIX = "text_model.";

    /**
     * Bytes that libtorch takes for a program, for each of its parameters: graphs, most of them of the methods that set one.
     * Small models, whose weights take less, were measured: 100 to 117 KB.
     */
    private static final long PROGRAM = 112 << 10;

    final Program program;
    final Device device;
    final boolean half;
    final String name;
    final DiffusersFolder.Component component;

    @Nullable
    Network network;

    /** @param half whether 16-bit floats are good enough for it where the device is fast with them */
    Part(String name, DiffusersFolder.Component component, Device device, boolean half) {
        this.half = half && device.isGpu();
        this.program = new Program(Program.Kernels.of(device), this.half);
        this.device = device;
        this.name = name;
        this.component = component;
    }

    Networks.Summary summary() {
        Collection<Program.Parameter> parameters = program.parameters().values();
        try (Weights weights = component.weights()) {
            return new Networks.Summary(
                    name,
                    component.className(),
                    find(weights, parameters.iterator().next()).dtype(),
                    parameters.stream().mapToLong(Program.Parameter::size).sum(),
                    bytes(),
                    program.flops());
        }
    }

    /** The kernels' layout holds 32-bit floats; a network in half precision takes half of that. */
    long bytes() {
        long stored = program.parameters().values().stream()
                .mapToLong(Program.Parameter::stored)
                .sum();
        return stored * (half ? Short.BYTES : Float.BYTES);
    }

    long programBytes() {
        return PROGRAM * program.parameters().size();
    }

    long check() {
        try (Weights weights = component.weights()) {
            program.parameters().values().forEach(parameter -> find(weights, parameter));
        }
        return program.parameters().values().stream()
                .mapToLong(Program.Parameter::size)
                .sum();
    }

    Network network() {
        if (network == null) {
            try (Weights weights = component.weights()) {
                network = Network.load(program, device, parameter -> find(weights, parameter));
            }
        }
        return network;
    }

    @Override
    public void close() {
        if (network != null) {
            network.close();
            network = null;
        }
    }

    private static Tensor find(Weights weights, Program.Parameter parameter) {
        String name = parameter.name();
        if (!weights.has(name)) {
            if (name.startsWith(TEXT_PREFIX) && weights.has(name.substring(TEXT_PREFIX.length()))) {
                return weights.tensor(name.substring(TEXT_PREFIX.length()), parameter.shape());
            }
            for (var old : OLD_VAE_NAMES.entrySet()) {
                String oldName = name.replace(old.getKey(), old.getValue());
                if (weights.has(oldName)) {
                    return weights.tensor(oldName, parameter.shape());
                }
            }
        }
        return weights.tensor(name, parameter.shape());
    }
}
