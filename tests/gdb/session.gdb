set width 0
break look
run
echo == where it stops\n
p x
p y
p net
up
echo == tensors\n
p w
p column
p labels
p mask
p nothing
p sum_of
p huge
echo == their parts\n
p storage
p layout
p shape
echo == a module\n
set print pretty on
p net
p net.lin1.bias
