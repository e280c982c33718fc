-- Jobs from before output_format and output_compression: their specs end in "}" and get what they were drawn as.
update job
set spec = substring(spec, 1, char_length(spec) - 1) || ',"output":{"format":"PNG","compression":100}}';
