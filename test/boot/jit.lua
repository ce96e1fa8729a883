-- SPDX-License-Identifier: GPL-2.0-only
-- A real compiler at run time, for so many seconds: what it has compiled must give what its
-- interpreter gives, and is thrown away after each round, so that code is made again and again.

local util = require("jit.util")
local seconds = tonumber(arg[1])

local function primes(n)
	local composite, count = {}, 0
	for i = 2, n do
		if not composite[i] then
			count = count + 1
			for j = i * i, n, i do composite[j] = true end
		end
	end
	return count
end

local function inside(size)
	local count = 0
	for row = 0, size - 1 do
		for column = 0, size - 1 do
			local cx, cy = 3 * column / size - 2, 2 * row / size - 1
			local x, y, steps = 0, 0, 0
			while x * x + y * y < 4 and steps < 50 do
				x, y = x * x - y * y + cx, 2 * x * y + cy
				steps = steps + 1
			end
			if steps == 50 then count = count + 1 end
		end
	end
	return count
end

local function words(n)
	local parts, sum = {}, 0
	for i = 1, n do parts[i] = string.format("%x", i * 2654435761 % 4294967296) end
	for word in table.concat(parts, " "):gmatch("%x+") do sum = (sum + #word * #parts) % 65521 end
	return sum
end

local function all()
	return primes(20000) .. " " .. inside(60) .. " " .. words(2000)
end

jit.off()
local expected = all()
jit.on()

local rounds, traces = 0, 0
local finish = os.time() + seconds
repeat
	jit.flush()
	assert(all() == expected, "compiled and interpreted code differ")
	local made = 0
	while util.traceinfo(made + 1) do made = made + 1 end
	traces = traces + made
	rounds = rounds + 1
until os.time() >= finish
assert(traces > 0, "nothing was compiled")
print(string.format("%d rounds, %d pieces of code", rounds, traces))
