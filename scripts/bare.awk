# SPDX-License-Identifier: GPL-2.0-only
#
# A C file without its comments, each line behind its file and number. Strings that contain
# comment marks do not occur in the tree.

{
	line = $0
	out = ""
	while (line != "") {
		if (inside) {
			end = index(line, "*/")
			if (!end)
				break
			line = substr(line, end + 2)
			inside = 0
			continue
		}
		block = index(line, "/*")
		slash = index(line, "//")
		if (slash && (!block || slash < block)) {
			out = out substr(line, 1, slash - 1)
			break
		}
		if (!block) {
			out = out line
			break
		}
		out = out substr(line, 1, block - 1)
		line = substr(line, block + 2)
		inside = 1
	}
	print FILENAME ":" FNR ":" out
}
