// SPDX-License-Identifier: GPL-2.0-only
/* Compiled to assembly only; hv/build.mk turns the marked lines into offsets.h for run.S. */
#include <holdfast/image.h>

#include "vmx.h"

#define OFFSET(name, type, field) \
	asm volatile(".ascii \"=> " #name " %c0\"" : : "i"(offsetof(type, field)))
#define VALUE(name, value) asm volatile(".ascii \"=> " #name " %c0\"" : : "i"(value))

void offsets(void);

void offsets(void)
{
	OFFSET(NATIVE_RSP, struct vcpu, native.rsp);
	OFFSET(NATIVE_CR3, struct vcpu, native.cr3);
	OFFSET(NATIVE_CR4, struct vcpu, native.cr4);
	OFFSET(NATIVE_GDTR, struct vcpu, native.gdtr);
	OFFSET(NATIVE_IDTR, struct vcpu, native.idtr);
	OFFSET(NATIVE_CS, struct vcpu, native.cs);
	OFFSET(NATIVE_SS, struct vcpu, native.ss);
	OFFSET(NATIVE_DS, struct vcpu, native.ds);
	OFFSET(NATIVE_ES, struct vcpu, native.es);
	OFFSET(NATIVE_TR, struct vcpu, native.tr);
	OFFSET(NATIVE_LDTR, struct vcpu, native.ldtr);
	VALUE(OFFSET_IMAGE_ABI, HF_ABI);
	VALUE(OFFSET_IMAGE_BACKEND, HF_BACKEND_VMX);
	VALUE(GPRS_SIZE, sizeof(struct gprs));
	VALUE(OFFSET_CR4_VMXE, CR4_VMXE);
	VALUE(OFFSET_REFUSED, VCPU_REFUSED);
}
