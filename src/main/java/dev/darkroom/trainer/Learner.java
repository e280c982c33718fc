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
import dev.darkroom.program.Network;
import dev.darkroom.program.Program;
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
 * Trains a {@link Program} whose {@code forward} returns a loss. Matrices and convolutions between the first and the last layer are
 * moved by Muon (Jordan et al. 2024, kellerjordan.github.io/posts/muon; scaled as in Liu et al. 2025, section 2.2): the momentum,
 * made orthogonal, so that all directions of a weight matrix learn alike; everything else by AdamW (Loshchilov and
 * Hutter 2019, algorithm 2) with gradients clipped to norm 1. The weights' exponential moving average is what is kept in the end.
 */
final class Learner implements AutoCloseable {
    /**
     * One optimiser step over all parameters at once; three times as fast as one parameter at a time. {@code steps} must be
     * raised before the fused update, which divides by the bias corrections. {@code orthogonal} is five steps of the
     * Newton–Schulz iteration with Muon's coefficients, X ← RX with R = aI + bS + cS² and S = XXᵀ, on a matrix that is no taller
     * than it is wide. The product Q of all R is gathered first, as S becomes RSR: all of it is done on the small side, a third of the
     * work for a convolution.
     */
    private static final String UPDATE = """
              def orthogonal(self: __torch__.Net,
                g: Tensor) -> Tensor:
                x = torch.div(g, torch.add(torch.norm(g, 2), 9.9999999999999995e-08))
                a = torch.mul(torch.eye(torch.size(x, 0), dtype=6, layout=0, device=ops.prim.device(x), pin_memory=False), 3.4445000000000001)
                s = torch.mm(x, torch.t(x))
                r = torch.add(a, torch.addmm(s, s, s, beta=-4.7750000000000004, alpha=2.0314999999999999))
                q = r
                for _0 in range(4):
                  s = torch.mm(torch.mm(r, s), r)
                  r = torch.add(a, torch.addmm(s, s, s, beta=-4.7750000000000004, alpha=2.0314999999999999))
                  q = torch.mm(r, q)
                return torch.mm(q, x)
              def update(self: __torch__.Net,
                params: List[Tensor],
                grads: List[Tensor],
                m: List[Tensor],
                v: List[Tensor],
                steps: List[Tensor],
                matrices: List[Tensor],
                matrixgrads: List[Tensor],
                momenta: List[Tensor],
                all: List[Tensor],
                allgrads: List[Tensor],
                ema: List[Tensor],
                lr: float,
                keep: float) -> Tensor:
                norm = torch.norm(torch.stack(torch._foreach_norm(grads, 2), 0), 2)
                scale = torch.clamp(torch.reciprocal(torch.add(norm, 9.9999999999999995e-07)), None, 1.)
                torch._foreach_mul_(grads, scale)
                torch._foreach_add_(steps, 1)
                torch._fused_adamw_(params, grads, m, v, annotate(List[Tensor], []), steps, lr=lr, beta1=0.90000000000000002, beta2=0.98999999999999999, weight_decay=0.01, eps=1.0e-08, amsgrad=False, maximize=False)
                torch._foreach_lerp_(momenta, matrixgrads, 0.050000000000000003)
                torch._foreach_lerp_(matrixgrads, momenta, 0.94999999999999996)
                torch._foreach_mul_(matrices, torch.sub(1., torch.mul(lr, 0.01)))
                for i in range(torch.len(matrices)):
                  w = matrices[i]
                  g = torch.flatten(matrixgrads[i], 1, -1)
                  high = torch.size(g, 0)
                  wide = torch.size(g, 1)
                  if torch.gt(high, wide):
                    o = torch.mul(torch.t((self).orthogonal(torch.t(g))), torch.mul(0.20000000000000001, torch.sqrt(high)))
                  else:
                    o = torch.mul((self).orthogonal(g), torch.mul(0.20000000000000001, torch.sqrt(wide)))
                  _1 = torch.sub_(w, torch.reshape(o, torch.size(w)), alpha=lr)
                torch._foreach_lerp_(ema, all, torch.sub(1., keep))
                torch._foreach_zero_(allgrads)
                return norm
            """;

    private final Network network;
    private final double averaging;
    private final NDManager manager;
    private final List<String> names = new ArrayList<>();
    private final List<NDArray> params = new ArrayList<>();
    private final List<NDArray> m = new ArrayList<>();
    private final List<NDArray> v = new ArrayList<>();
    private final List<NDArray> ema = new ArrayList<>();
    private final List<NDArray> steps = new ArrayList<>();
    private final List<Integer> adamw = new ArrayList<>();
    private final List<Integer> muon = new ArrayList<>();
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
            (isInnerMatrix(pair.getKey(), array.getShape()) ? muon : adamw).add(names.size());
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

    /** Whether Muon moves it: not embeddings, nor layers next to pictures or latents. */
    private static boolean isInnerMatrix(String name, Shape shape) {
        return shape.dimension() > 1
                && !name.contains("embedding")
                && !name.contains("conv_in.")
                && !name.contains("conv_out.")
                && !name.contains("quant_conv.");
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
            list(params, adamw),
            list(gradients, adamw),
            list(m, adamw),
            list(v, adamw),
            list(steps, adamw),
            list(params, muon),
            list(gradients, muon),
            list(m, muon),
            list(params),
            list(gradients),
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

    private static IValue list(List<NDArray> arrays, List<Integer> indexes) {
        return list(indexes.stream().map(arrays::get).toList());
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
