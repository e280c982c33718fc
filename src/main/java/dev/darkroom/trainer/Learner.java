package dev.darkroom.trainer;

import ai.djl.engine.Engine;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Parameter;
import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.engine.PtNDManager;
import ai.djl.pytorch.engine.PtSymbolBlock;
import ai.djl.pytorch.jni.IValue;
import ai.djl.pytorch.jni.IValueUtils;
import ai.djl.training.GradientCollector;
import ai.djl.util.Pair;
import dev.darkroom.model.Network;
import dev.darkroom.model.Program;
import dev.darkroom.weights.DType;
import dev.darkroom.weights.SafetensorsWriter;
import dev.darkroom.weights.Tensor;
import dev.darkroom.weights.Weights;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Trains a {@link Program} whose {@code forward} returns a loss: AdamW (Loshchilov and Hutter 2019, algorithm 2) with
 * gradients clipped to norm 1, and an exponential moving average of the weights, which is what is kept in the end.
 */
final class Learner implements AutoCloseable {
    /**
     * One optimiser step over all parameters at once; three times as fast as one parameter at a time. {@code steps} must be
     * raised before the fused update, which divides by the bias corrections.
     */
    private static final String UPDATE = """
              def update(self: __torch__.Net,
                params: List[Tensor],
                grads: List[Tensor],
                m: List[Tensor],
                v: List[Tensor],
                steps: List[Tensor],
                ema: List[Tensor],
                lr: float,
                keep: float) -> Tensor:
                norm = torch.norm(torch.stack(torch._foreach_norm(grads, 2), 0), 2)
                scale = torch.clamp(torch.reciprocal(torch.add(norm, 9.9999999999999995e-07)), None, 1.)
                torch._foreach_mul_(grads, scale)
                torch._foreach_add_(steps, 1)
                torch._fused_adamw_(params, grads, m, v, annotate(List[Tensor], []), steps, lr=lr, beta1=0.90000000000000002, beta2=0.98999999999999999, weight_decay=0.01, eps=1.0e-08, amsgrad=False, maximize=False)
                torch._foreach_lerp_(ema, params, torch.sub(1., keep))
                torch._foreach_zero_(grads)
                return norm
            """.indent(2).replaceFirst("^ {4}def", "  def");

    private final Network network;
    private final double averaging;
    private final NDManager manager;
    private final List<String> names = new ArrayList<>();
    private final List<NDArray> params = new ArrayList<>();
    private final List<NDArray> m = new ArrayList<>();
    private final List<NDArray> v = new ArrayList<>();
    private final List<NDArray> ema = new ArrayList<>();
    private final List<NDArray> steps = new ArrayList<>();
    private @Nullable List<NDArray> gradients;
    private int step;

    /**
     * @param program its {@code forward} returns a scalar
     * @param known weights to start from, by name; the others start at random
     * @param checkpoint resumed from if it exists
     * @param averaging decay of the moving average a step
     */
    Learner(Program program, Map<String, Tensor> known, Path checkpoint, long seed, double averaging)
            throws IOException {
        this.averaging = averaging;
        program.rawMethod(UPDATE);
        Random random = new Random(seed);
        Map<String, Tensor> fresh = new TreeMap<>();
        program.parameters().forEach((name, parameter) -> fresh.put(name, initial(parameter, random)));
        fresh.putAll(known);
        network = Network.trainable(program, parameter -> Objects.requireNonNull(fresh.get(parameter.name())));
        manager = network.newScope();
        for (Pair<String, Parameter> pair : network.block().getDirectParameters()) {
            NDArray array = pair.getValue().getArray();
            names.add(pair.getKey());
            params.add(array);
            m.add(manager.zeros(array.getShape()));
            v.add(manager.zeros(array.getShape()));
            ema.add(manager.create(array.toFloatArray(), array.getShape()));
        }
        if (Files.exists(checkpoint)) {
            resume(checkpoint);
        }
        for (int i = 0; i < params.size(); i++) {
            steps.add(manager.create((float) step));
        }
    }

    /** As torch initialises its layers: uniform in ±1/√fan-in; norms one and zero; biases zero; embeddings normal. */
    private static Tensor initial(Program.Parameter parameter, Random random) {
        float[] values = new float[Math.toIntExact(parameter.size())];
        String name = parameter.name();
        long[] shape = parameter.shape();
        if (name.contains("embedding.weight")) {
            for (int i = 0; i < values.length; i++) {
                values[i] = (float) (0.02 * random.nextGaussian());
            }
        } else if (shape.length > 1) {
            double bound = 1 / Math.sqrt((double) parameter.size() / shape[0]);
            // A network that starts by predicting nothing learns faster (Ho et al. 2020, released code).
            if (name.endsWith("conv2.weight") || name.endsWith("proj_out.weight") || name.endsWith("conv_out.weight")) {
                bound *= 0.1;
            }
            for (int i = 0; i < values.length; i++) {
                values[i] = (float) (bound * (2 * random.nextDouble() - 1));
            }
        } else if (name.endsWith(".weight")) {
            Arrays.fill(values, 1);
        }
        return Tensor.of(name, values, shape);
    }

    int step() {
        return step;
    }

    /** A scope for the arrays of one step. */
    NDManager newScope() {
        return manager.newSubManager();
    }

    /**
     * One step on one batch.
     *
     * @param inputs of the program's {@code forward}, all in one scope
     * @return the loss before the step
     */
    float step(double learningRate, NDArray... inputs) {
        float value;
        try (GradientCollector collector = Engine.getEngine("PyTorch").newGradientCollector()) {
            NDArray loss = network.call("forward", inputs);
            collector.backward(loss);
            value = loss.getFloat();
        }
        if (!Float.isFinite(value)) {
            throw new IllegalStateException("the loss is " + value + " at step " + step);
        }
        if (gradients == null) {
            // getGradient() makes a new array at every call, but all of them show the same storage.
            gradients = params.stream().map(NDArray::getGradient).toList();
        }
        step++;
        double keep = Math.min(averaging, (1.0 + step) / (10.0 + step));
        IValue[] arguments = {
            list(params),
            list(gradients),
            list(m),
            list(v),
            list(steps),
            list(ema),
            IValue.from(learningRate),
            IValue.from(keep)
        };
        try (IValue norm = IValueUtils.runMethod((PtSymbolBlock) network.block(), "update", arguments)) {
            norm.toTensor((PtNDManager) inputs[0].getManager());
        } finally {
            for (IValue argument : arguments) {
                argument.close();
            }
        }
        return value;
    }

    private static IValue list(List<NDArray> arrays) {
        return IValue.listFrom(arrays.stream().map(PtNDArray.class::cast).toArray(PtNDArray[]::new));
    }

    /** The averaged weights by name. */
    Map<String, Tensor> average() {
        Map<String, Tensor> average = new TreeMap<>();
        for (int i = 0; i < names.size(); i++) {
            average.put(names.get(i), tensor(names.get(i), ema.get(i)));
        }
        return average;
    }

    /**
     * Writes all that {@link #Learner resuming} needs.
     *
     * @param settings noted in the file for people
     */
    void save(Path checkpoint, String settings) throws IOException {
        SafetensorsWriter writer = new SafetensorsWriter().metadata("settings", settings);
        writer.add("step", DType.F32, new long[] {1}, new float[] {step});
        for (int i = 0; i < names.size(); i++) {
            writer.add("param." + names.get(i), tensor(names.get(i), params.get(i)), DType.F32);
            writer.add("m." + names.get(i), tensor(names.get(i), m.get(i)), DType.F32);
            writer.add("v." + names.get(i), tensor(names.get(i), v.get(i)), DType.F32);
            writer.add("ema." + names.get(i), tensor(names.get(i), ema.get(i)), DType.F32);
        }
        writer.write(checkpoint);
    }

    private void resume(Path checkpoint) {
        try (Weights saved = Weights.open(checkpoint)) {
            step = (int) saved.tensor("step", 1).toFloats()[0];
            for (int i = 0; i < names.size(); i++) {
                read(saved, "param.", i, params);
                read(saved, "m.", i, m);
                read(saved, "v.", i, v);
                read(saved, "ema.", i, ema);
            }
        }
    }

    private void read(Weights saved, String kind, int i, List<NDArray> into) {
        NDArray array = into.get(i);
        float[] values =
                saved.tensor(kind + names.get(i), array.getShape().getShape()).toFloats();
        array.set(FloatBuffer.wrap(values));
    }

    private static Tensor tensor(String name, NDArray array) {
        return Tensor.of(name, array.toFloatArray(), array.getShape().getShape());
    }

    static NDArray floats(NDManager scope, float[] values, long... shape) {
        return scope.create(FloatBuffer.wrap(values), new Shape(shape), DataType.FLOAT32);
    }

    @Override
    public void close() {
        manager.close();
        network.close();
    }
}
