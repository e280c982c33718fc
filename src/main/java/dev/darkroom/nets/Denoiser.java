package dev.darkroom.nets;

import static dev.darkroom.nets.Networks.floats;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import dev.darkroom.program.Network;
import java.nio.LongBuffer;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * Evaluations of the U-Net: arrays of plain floats in and out, row-major in the shapes given. What its program takes goes by name: some
 * inputs each picture has its own of, some each row.
 */
public final class Denoiser {
    private final UNet2DCondition unet;
    private final Part part;

    Denoiser(UNet2DCondition unet, Part part) {
        this.unet = unet;
        this.part = part;
    }

    /** What the U-Net is told in the rows of one picture, on the device until it is closed. */
    public final class Context implements AutoCloseable {
        private final NDManager scope;
        private final Map<String, NDArray> perRow;

        private Context(NDManager scope, float[] hidden, float[] added, int rows) {
            this.scope = scope;
            this.perRow = perRow(scope, hidden, added, rows);
        }

        private NDArray states() {
            return Objects.requireNonNull(perRow.get("context"));
        }

        /** Rows of the picture, each of which has one of the tokens' states in it. */
        public int rows() {
            return (int) states().getShape().get(0);
        }

        public int tokens() {
            return (int) states().getShape().get(1);
        }

        /** The text's states, a copy, {@code [rows, tokens, contextWidth]}. */
        public float[] hidden() {
            return states().toFloatArray();
        }

        @Override
        public void close() {
            scope.close();
        }
    }

    /**
     * Brings what the U-Net is told about a picture to the device.
     *
     * @param hidden {@code [rows, tokens, contextWidth]}
     * @param added {@code [rows, unet().addedWidth()]}; empty where that is 0
     */
    public Context context(float[] hidden, float[] added, int rows) {
        return new Context(part.network().newScope(), hidden, added, rows);
    }

    /**
     * One evaluation of the U-Net for pictures that may have several rows, which differ in their conditioning only.
     *
     * @param sample {@code [pictures, inChannels, height, width]}
     * @param timesteps {@code [pictures]}, each picture its own
     * @param contexts of the first pictures, all of as many tokens; the rows of a picture follow one another
     * @param moreRows so many further rows of the last picture, to fill up a shape; they are evaluated like its last row
     * @param height of the latents
     * @param width of the latents
     * @return the predictions, {@code [rows + moreRows, outChannels, height, width]}
     */
    public float[] predict(
            float[] sample, float[] timesteps, List<Context> contexts, int moreRows, int height, int width) {
        Network network = part.network();
        int pictures = timesteps.length;
        long[] rows = new long[contexts.stream().mapToInt(Context::rows).sum() + moreRows];
        int row = 0;
        for (int i = 0; i < contexts.size(); i++) {
            Arrays.fill(rows, row, row + contexts.get(i).rows(), i);
            row += contexts.get(i).rows();
        }
        Arrays.fill(rows, row, rows.length, pictures - 1);
        try (NDManager scope = network.newScope()) {
            Map<String, NDArray> inputs = perPicture(scope, sample, timesteps, height, width);
            inputs.put("rows", scope.create(LongBuffer.wrap(rows), new Shape(rows.length), DataType.INT64));
            for (String name : contexts.get(0).perRow.keySet()) {
                List<NDArray> parts = contexts.stream()
                        .map(context -> Objects.requireNonNull(context.perRow.get(name)))
                        .toList();
                inputs.put(name, joined(scope, parts, moreRows));
            }
            return network.call("forward", inputs).toFloatArray();
        }
    }

    /** Inputs of the U-Net's program that each picture has its own of, by name. */
    private Map<String, NDArray> perPicture(NDManager scope, float[] sample, float[] timesteps, int height, int width) {
        int pictures = timesteps.length;
        Map<String, NDArray> inputs = new LinkedHashMap<>();
        inputs.put("sample", floats(scope, sample, pictures, unet.inChannels(), height, width));
        inputs.put("timestep", floats(scope, timesteps, pictures));
        return inputs;
    }

    /** Inputs that each row has its own of, by name: {@code [rows, tokens, contextWidth]} and {@code [rows, addedWidth]}. */
    private Map<String, NDArray> perRow(NDManager scope, float[] context, float[] added, int rows) {
        int width = unet.contextWidth();
        Map<String, NDArray> inputs = new LinkedHashMap<>();
        inputs.put("context", floats(scope, context, rows, context.length / rows / width, width));
        if (unet.addedWidth() > 0) {
            inputs.put("added", floats(scope, added, rows, unet.addedWidth()));
        }
        return inputs;
    }

    /** One below the other on the device, the last row so many times more. */
    private static NDArray joined(NDManager scope, List<NDArray> parts, int moreRows) {
        if (parts.size() == 1 && moreRows == 0) {
            return parts.get(0);
        }
        NDList all = new NDList(parts);
        if (moreRows > 0) {
            NDArray last = parts.get(parts.size() - 1);
            NDArray row = last.get(new NDIndex()
                    .addSliceDim(last.getShape().get(0) - 1, last.getShape().get(0)));
            row.attach(scope);
            for (int i = 0; i < moreRows; i++) {
                all.add(row);
            }
        }
        NDArray joined = NDArrays.concat(all, 0);
        joined.attach(scope);
        return joined;
    }

    /**
     * The same with arrays of the host's.
     *
     * @param sample {@code [pictures, inChannels, height, width]}
     * @param timesteps {@code [pictures]}, each picture its own
     * @param rows {@code [rows]}, the picture of each row, from 0
     * @param context {@code [rows, tokens, contextWidth]}
     * @param added {@code [rows, unet().addedWidth()]}; empty where that is 0
     * @param height of the latents
     * @param width of the latents
     * @return the predictions, {@code [rows, outChannels, height, width]}
     */
    public float[] predict(
            float[] sample, float[] timesteps, long[] rows, float[] context, float[] added, int height, int width) {
        Network network = part.network();
        try (NDManager scope = network.newScope()) {
            Map<String, NDArray> inputs = perPicture(scope, sample, timesteps, height, width);
            inputs.put("rows", scope.create(LongBuffer.wrap(rows), new Shape(rows.length), DataType.INT64));
            inputs.putAll(perRow(scope, context, added, rows.length));
            return network.call("forward", inputs).toFloatArray();
        }
    }
}
