package dev.darkroom.library.hub;

import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.regex.Pattern;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * What a hub says about a model: the answer to {@code GET /api/models/{org}/{name}/revision/{revision}?blobs=true}.
 *
 * @param commit the revision's commit, 40 hexadecimal digits
 * @param files by path
 */
record Listing(String commit, SortedMap<String, RemoteFile> files) {
    private static final Pattern COMMIT = Pattern.compile("[0-9a-f]{40}");
    private static final Pattern SHA_256 = Pattern.compile("[0-9a-f]{64}");

    /** Not absolute, no step upwards or empty, nothing that another system could read as such. */
    private static final Pattern SAFE_PATH =
            Pattern.compile("(?!(?:.*/)?\\.{1,2}(?:/|$))[^/\\\\:\\p{Cntrl}]+(?:/[^/\\\\:\\p{Cntrl}]+)*");

    /** @throws DownloadFailed if it is not such an answer, or names a file that would lie outside the folder */
    static Listing parse(String json) {
        JsonNode answer;
        try {
            answer = JsonMapper.shared().readTree(json);
        } catch (JacksonException e) {
            throw new DownloadFailed("the hub's listing of the model is not JSON", e);
        }
        String commit = answer.path("sha").asString("");
        if (!COMMIT.matcher(commit).matches() || !answer.path("siblings").isArray()) {
            throw new DownloadFailed("the hub's listing of the model has no commit (sha) or no files (siblings)");
        }
        SortedMap<String, RemoteFile> files = new TreeMap<>();
        for (JsonNode sibling : answer.path("siblings")) {
            String path = sibling.path("rfilename").asString("");
            if (!SAFE_PATH.matcher(path).matches()) {
                throw new DownloadFailed("the hub lists a file with the unsafe name " + sibling.path("rfilename"));
            }
            JsonNode lfs = sibling.path("lfs");
            boolean large = lfs.isObject();
            files.put(
                    path,
                    new RemoteFile(
                            path,
                            (large ? lfs : sibling).path("size").asLong(-1),
                            large,
                            (large ? lfs.path("sha256") : sibling.path("blobId")).asString("")));
        }
        return new Listing(commit, files);
    }

    Set<String> paths() {
        return files.keySet();
    }

    /** @throws DownloadFailed if it is not there, or the hub does not say how large it is and what its hash is */
    RemoteFile file(String path) {
        RemoteFile file = files.get(path);
        if (file == null) {
            throw new DownloadFailed("the model has no file " + path);
        }
        if (file.size() < 0
                || !(file.large() ? SHA_256 : COMMIT).matcher(file.hash()).matches()) {
            throw new DownloadFailed("the hub lists " + path + " without its size or hash");
        }
        return file;
    }
}
