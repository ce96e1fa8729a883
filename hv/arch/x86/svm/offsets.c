// SPDX-License-Identifier: GPL-2.0-only
/* Compiled to assembly only; hv/build.mk turns the marked lines into offsets.h for run.S. */
#include <holdfast/image.h>

#include "vcpu.h"

#define OFFSET(name, type, field) \
	asm volatile(".ascii \"=> " #name " %c0\"" : : "i"(offsetof(type, field)))
#define VALUE(name, value) asm volatile(".ascii \"=> " #name " %c0\"" : : "i"(value))

void offsets(void);

void offsets(void)
{
	OFFSET(VCPU_VMCB_PA, struct vcpu, block_pa);
	OFFSET(VCPU_CR3, struct vcpu, cr3);
	OFFSET(VCPU_CR4, struct vcpu, cr4);
	OFFSET(VCPU_STACK_TOP, struct vcpu, host.stack_top);
	OFFSET(VCPU_GDTR, struct vcpu, host.gdtr);
	OFFSET(VCPU_IDTR, struct vcpu, host.idtr);
	OFFSET(NATIVE_RSP, struct vcpu, native.rsp);
	OFFSET(NATIVE_CR3, struct vcpu, native.cr3);
	OFFSET(NATIVE_CR4, struct vcpu, native.cr4);
	OFFSET(NATIVE_GDTR, struct vcpu, native.gdtr);
	OFFSET(NATIVE_IDTR, struct vcpu, native.idtr);
	OFFSET(NATIVE_CS, struct vcpu, native.cs);
	OFFSET(NATIVE_SS, struct vcpu, native.ss);
	OFFSET(NATIVE_DS, struct vcpu, native.ds);
	OFFSET(NATIVE_ES, struct vcpu, native.es);
	VALUE(OFFSET_IMAGE_ABI, HF_ABI);
	VALUE(OFFSET_IMAGE_BACKEND, HF_BACKEND_SVM);
	VALUE(GPRS_SIZE, sizeof(struct gprs));
	VALUE(OFFSET_HOST_CS, HOST_CS);
	VALUE(OFFSET_HOST_SS, HOST_SS);
}
